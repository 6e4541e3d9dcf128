import { z } from 'zod'
import { ContainerTaskId, ExecutionId, OrderId, TaskId } from '@shared/contracts'
import type { EventLine } from '@shared/contracts'

/** `tasks` and `containers` carry lines of the log, `work` tells runners what kinds of work there are. */
export type Feed = z.infer<typeof Feed>
const Feed = z.enum(['tasks', 'containers', 'work'])

/** What `?task=` may name: all lines about it are meant. */
export const TaskFilter = z.union([ContainerTaskId, TaskId, ExecutionId, OrderId])

/** What one socket gets to see, decided at the door and never widened after. */
export type Subscription = z.infer<typeof Subscription>
export const Subscription = z.strictObject({
	feed: Feed,
	/** Only lines of this Worker. */
	workerName: z.string().optional(),
	/** Only lines of this order, task, execution or container task. */
	task: z.string().optional(),
	/** When the token ends. */
	expiresAt: z.int(),
	/** Who connects, for the limit on sockets. */
	subject: z.string(),
})

export type LineFilter = Pick<Subscription, 'feed' | 'workerName' | 'task'>

const isOfContainers = ({ source, operation }: EventLine) => source === 'orchestrator.containers' || operation.startsWith('container.')

/** Whether a line of the log is one that was asked for. */
export function isWanted(line: EventLine, { feed, workerName, task }: LineFilter): boolean {
	if (feed === 'work' || isOfContainers(line) !== (feed === 'containers')) return false
	if (workerName !== undefined && line.workerName !== workerName) return false
	return task === undefined || [line.orderId, line.taskId, line.executionId, line.details['taskId']].includes(task)
}
