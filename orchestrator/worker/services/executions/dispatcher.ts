import { AppError, ProviderTaskMessage } from '@shared/contracts'
import type { Failure } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { findExecution, forgottenExecutions, markEnqueued } from '../../database/repositories/executions.ts'
import type { Execution } from '../../database/repositories/executions.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'

/** Parameters of a TaskExecution instance; its id is the execution id. */
export interface TaskExecutionParams {
	executionId: string
}

/** The Workflow of an execution as the dispatcher sees it. */
export interface WorkflowPort {
	/** Creates the instance; false when it exists. */
	create: (executionId: string) => Promise<boolean>
	/** `none` when there is no such instance. */
	state: (executionId: string) => Promise<'none' | 'alive' | 'ended'>
	/** Wakes a waiting instance; no error when it does not wait or does not exist. */
	nudge: (executionId: string) => Promise<void>
}

export interface DispatcherDeps {
	db: Database
	now: () => number
	workflow: WorkflowPort
	enqueue: (message: ProviderTaskMessage) => Promise<void>
	fail: (executionId: string, failure: Failure) => Promise<unknown>
	messageOf: (execution: Execution) => ProviderTaskMessage
	workerName: string
}

/** Turns queue messages into Workflow instances, and finds the executions that fell through. */
export function createDispatcher(deps: DispatcherDeps) {
	const { db, now, workflow } = deps

	const logLine = (execution: Execution, line: { operation: string; details: Record<string, unknown>; onceKey?: string }) =>
		appendLog({ source: 'orchestrator.dispatcher', level: 'warn', orderId: execution.orderId, taskId: execution.taskId, executionId: execution.executionId, workerName: deps.workerName, at: now(), ...line })

	/** Starts the execution a message names. A repeated message, or one of an ended execution, does nothing but say so. */
	async function start(body: unknown, messageId: string): Promise<void> {
		const { execution_id: executionId } = parse(body)
		const execution = await findExecution(db, executionId)
		if (!execution) throw new AppError('EXECUTION_NOT_FOUND', `The queue names execution ${executionId}, which is not in the database.`)
		if (execution.completedAt !== null || !(await workflow.create(executionId))) {
			await db.run(logLine(execution, { operation: 'queue.duplicate', details: { messageId, status: execution.status }, onceKey: messageId }))
		}
	}

	/** A dead letter: the execution it names is failed with the reason, so that nobody waits for it. */
	async function bury(body: unknown, messageId: string): Promise<void> {
		const parsed = ProviderTaskMessage.safeParse(body)
		const execution = parsed.success ? await findExecution(db, parsed.data.execution_id) : undefined
		if (!execution) {
			await db.run(appendLog({ source: 'orchestrator.dispatcher', operation: 'queue.dead-letter', level: 'error', details: { messageId, body: JSON.stringify(body).slice(0, 2000) }, workerName: deps.workerName, at: now() }))
			return
		}
		await db.run(logLine(execution, { operation: 'queue.dead-letter', details: { messageId } }))
		if (execution.completedAt === null && (await workflow.state(execution.executionId)) !== 'alive') {
			await deps.fail(execution.executionId, { code: 'UNAVAILABLE', message: 'The queue could not start this execution and gave up. Execute the task again.' })
		}
	}

	/** Looks at one execution that nobody has touched for a while, repairs it and says why it was forgotten. */
	async function repair(execution: Execution): Promise<string> {
		const { executionId } = execution
		const state = await workflow.state(executionId)
		if (state === 'none') {
			await db.batch([markEnqueued(executionId, now()), logLine(execution, { operation: 'sweeper.requeued', details: { why: 'no Workflow instance exists: its queue message was lost', lastSeen: execution.seenAt } })])
			await deps.enqueue(deps.messageOf(execution))
			return 'requeued'
		}
		if (state === 'ended') {
			await db.run(logLine(execution, { operation: 'sweeper.failed', details: { why: 'its Workflow ended without settling it', lastSeen: execution.seenAt } }))
			await deps.fail(executionId, { code: 'INTERNAL', message: 'The Workflow of this execution ended without a result. What the agent wrote is kept; execute the task again.' })
			return 'failed'
		}
		await db.batch([markEnqueued(executionId, now()), logLine(execution, { operation: 'sweeper.nudged', details: { why: 'its Workflow waits and has not looked for a while', phase: execution.phase, lastSeen: execution.seenAt } })])
		await workflow.nudge(executionId)
		return 'nudged'
	}

	/** Repairs live executions untouched for `idleMs`; returns what was done to which. */
	async function sweep(idleMs: number): Promise<{ executionId: string; repair: string }[]> {
		const repairs: { executionId: string; repair: string }[] = []
		for (const execution of await forgottenExecutions(db, now() - idleMs, 100)) {
			repairs.push({ executionId: execution.executionId, repair: await repair(execution) })
		}
		return repairs
	}

	return { start, bury, sweep }
}
export type Dispatcher = ReturnType<typeof createDispatcher>

function parse(body: unknown): ProviderTaskMessage {
	const message = ProviderTaskMessage.safeParse(body)
	if (!message.success) throw new AppError('INVALID_INPUT', `The queue message is not a provider task: ${message.error.issues[0]?.message ?? ''}`)
	return message.data
}
