import type { ContainerTaskStatus } from '@shared/contracts'

/** What can happen to a task. `requeue` gives the task back to the queue. */
export type TaskEvent = 'claim' | 'heartbeat' | 'requeue' | 'complete' | 'fail' | 'cancel'

/** Where each event leads from each state; an event that is not listed is refused. */
export const TRANSITIONS: Record<ContainerTaskStatus, Partial<Record<TaskEvent, ContainerTaskStatus>>> = {
	// Nobody runs a pending task, so a cancel closes it at once.
	pending: { claim: 'assigned', cancel: 'failed' },
	// A cancel of leased work is a request: the runner hears it with its next heartbeat and reports the failure itself.
	assigned: { heartbeat: 'running', requeue: 'pending', complete: 'completed', fail: 'failed', cancel: 'assigned' },
	running: { heartbeat: 'running', requeue: 'pending', complete: 'completed', fail: 'failed', cancel: 'running' },
	completed: {},
	failed: {},
}

/** The state after `event`, or null when the event is not allowed in `status`. */
export function nextStatus(status: ContainerTaskStatus, event: TaskEvent): ContainerTaskStatus | null {
	return TRANSITIONS[status][event] ?? null
}

/** A runner holds it. */
export const isLeased = (status: ContainerTaskStatus): boolean => status === 'assigned' || status === 'running'

/** Nothing happens to it any more. */
export const isClosed = (status: ContainerTaskStatus): boolean => status === 'completed' || status === 'failed'
