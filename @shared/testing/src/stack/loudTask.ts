import { randomUUID } from 'node:crypto'
import type { ClaimedTask, ContainerTask, ProgressEvent } from '@shared/contracts'
import type { Client } from './client.ts'

/** What one heartbeat takes. */
const MOST_LINES = 200
const MOST_CHARS = 200_000

/** A container task that nobody runs: in its name as many lines can be put into the log as a test wants. */
export async function createLoudTask({ operator, runner }: { operator: Client; runner: Client }) {
	const requires = `loud-${randomUUID()}`
	await operator.call<ContainerTask>('POST', '/api/tasks', { body: { taskType: 'command', command: ['true'], requires } })
	const claim = { workerName: 'local', containerName: 'loud', taskTypes: ['command'], capabilities: [requires], waitMs: 5000, max: 1 }
	const [claimed] = (await runner.call<{ tasks: ClaimedTask[] }>('POST', '/api/tasks/claim', { body: claim })).tasks
	if (claimed === undefined) throw new Error('Nobody got the task that was to be loud.')
	const { leaseToken, task } = claimed
	const call = (verb: string, body: object) => runner.call('POST', `/api/tasks/${task.taskId}/${verb}`, { body: { leaseToken, ...body } })
	return {
		taskId: task.taskId,
		/** One line `agent.message` for each text, in this order; `data` makes them long. */
		async say(texts: readonly string[], data?: ProgressEvent['data']): Promise<void> {
			const lineChars = JSON.stringify(data ?? {}).length + Math.max(...texts.map(({ length }) => length)) + 100
			const atOnce = Math.max(1, Math.min(MOST_LINES, Math.floor(MOST_CHARS / lineChars)))
			for (let at = 0; at < texts.length; at += atOnce) {
				const progress = texts.slice(at, at + atOnce).map((text): ProgressEvent => ({ at: Date.now(), kind: 'message', text, ...(data === undefined ? {} : { data }) }))
				await call('heartbeat', { progress })
			}
		},
		end: () => call('complete', { output: {} }),
	}
}
export type LoudTask = Awaited<ReturnType<typeof createLoudTask>>
