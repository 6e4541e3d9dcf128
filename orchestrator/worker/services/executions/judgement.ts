import type { ContainerTask, Failure } from '@shared/contracts'
import { cancelCode } from './cancelReason.ts'

/** Why an agent run failed; null when it did not. A cancel that somebody asked for outranks what the runner says. */
export function agentFailure(task: ContainerTask, cancelReason: string | null, now: number): Failure | null {
	if (task.status === 'completed' && cancelReason === null) return null
	if (cancelReason !== null) {
		return { code: cancelCode(cancelReason), message: cancelReason }
	}
	if (task.outcome === 'timeout') return { code: 'AGENT_TIMEOUT', message: task.error?.message ?? 'The run took longer than its task may take.' }
	if (task.error === null) return { code: 'AGENT_FAILED', message: 'The run failed and the runner gave no reason.' }
	const { code, message, retryAfterMs } = task.error
	return { code, message, ...(retryAfterMs === undefined ? {} : { retryAt: now + retryAfterMs }) }
}
