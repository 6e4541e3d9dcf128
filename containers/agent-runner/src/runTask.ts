import type { ClaimedTask, ContainerTaskType } from '@shared/contracts'
import { createLease } from './lease.ts'
import type { Lease } from './lease.ts'
import { runAgent } from './tasks/agentRun.ts'
import { runCommand } from './tasks/runCommand.ts'
import type { TaskContext } from './tasks/taskContext.ts'
import { validate } from './tasks/validate.ts'
import { clip, TaskFailure, toTaskFailure } from './taskFailure.ts'

export interface RunTaskOptions {
	claimed: ClaimedTask
	base: Omit<TaskContext, 'claimed' | 'lease' | 'defer'>
	now: () => number
	log: (event: string, fields: Record<string, unknown>) => void
	/** Told as soon as there is a lease, so that a shutdown can end it. */
	onLease: (lease: Lease) => void
}

const HANDLERS: Record<ContainerTaskType, (context: TaskContext) => Promise<object>> = {
	'agent-run': runAgent,
	validate,
	command: runCommand,
}

/** Runs one claimed task and reports how it ended. Never rejects. */
export async function runTask({ claimed, base, now, log, onLease }: RunTaskOptions): Promise<void> {
	const { taskId, taskType, executionId } = claimed.task
	const secrets = claimed.grant ? [claimed.grant.executionToken, ...Object.values(claimed.grant.secretEnv)] : []
	const redactor = base.redactor.with(secrets)
	const about = { taskId, taskType, executionId }
	const onProblem = (problem: Record<string, unknown>): void => log('report-problem', { ...about, ...problem })
	const lease = createLease({ client: base.client, claimed, redactor, now, onProblem })
	onLease(lease)
	log('task-started', about)
	const start = performance.now()
	const deferred: (() => Promise<void>)[] = []
	const context: TaskContext = { ...base, claimed, lease, redactor, defer: (work) => void deferred.push(work) }
	const result = await HANDLERS[taskType](context).then(
		(output) => ({ output: { ...output } }),
		(error: unknown) => whyEnded(lease, toTaskFailure(error)),
	)
	const [told] = await Promise.all([tell(lease, result), ...deferred.map((work) => work())])
	log('task-ended', { ...about, durationMs: Math.round(performance.now() - start), ...told, message: redactor.redact(told.message ?? '') || undefined })
}

interface Told {
	outcome: 'completed' | 'failed' | 'refused' | 'lease-lost'
	code?: string
	message?: string
}

/** Reports the end of a task. Nothing is said once the lease is lost. */
async function tell(lease: Lease, result: TaskFailure | { output: Record<string, unknown> }): Promise<Told> {
	if (lease.stopReason?.kind === 'lease-lost') return { outcome: 'lease-lost' }
	if (result instanceof TaskFailure) {
		const { error, output } = result
		const refusal = await lease.fail(error, output)
		// An output that is not accepted must not keep the failure itself from being known.
		if (refusal && !refusal.isFinal && output) await lease.fail(error)
		return { outcome: 'failed', code: error.code, message: error.message }
	}
	const refusal = await lease.complete(result.output)
	if (!refusal) return { outcome: 'completed' }
	const { code, message } = refusal
	// What the orchestrator does not accept as a result is a failure that it must hear of, or the task would hang until its lease ends.
	if (!refusal.isFinal) await lease.fail({ code, message: clip(message, 3900), retryable: false })
	return { outcome: 'refused', code, message }
}

/** A stop that came from outside is the reason, whatever the task made of it. */
function whyEnded({ stopReason }: Lease, failure: TaskFailure): TaskFailure {
	if (stopReason?.kind === 'cancelled') return new TaskFailure({ code: stopReason.code, message: stopReason.message, retryable: false }, failure.output)
	if (stopReason?.kind !== 'shutdown') return failure
	const error = { code: 'RUNNER_LOST', message: 'The runner was stopped; another one can take the task.', retryable: true }
	return new TaskFailure(error, failure.output)
}
