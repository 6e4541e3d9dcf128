import { allowedEvents, defineMachine, transition } from '@shared/ai-utils/fsm'
import { ContainerTaskStatus } from '@shared/contracts'

/** What can happen to a task. `requeue` gives it back to the queue; `strand`: what it depends on has failed. */
export type TaskEvent = 'claim' | 'heartbeat' | 'requeue' | 'complete' | 'fail' | 'cancel' | 'strand'
type MachineEvent = { [Type in TaskEvent]: { readonly type: Type } }[TaskEvent]

const leased = ['assigned', 'running'] as const

/** Where each event leads from each state; the orchestrator's SQL keeps to it. */
const taskMachine = defineMachine<ContainerTaskStatus, MachineEvent, null>({
	name: 'container-task',
	states: ContainerTaskStatus.options,
	rules: {
		claim: [{ from: 'pending', to: 'assigned' }],
		heartbeat: [{ from: leased, to: 'running' }],
		requeue: [{ from: leased, to: 'pending' }],
		complete: [{ from: leased, to: 'completed' }],
		fail: [{ from: leased, to: 'failed' }],
		// Nobody runs a pending task, so a cancel closes it at once. A cancel of leased work is a request: the runner hears it with its
		// next heartbeat and reports the failure itself.
		cancel: [{ from: 'pending', to: 'failed' }, { from: leased }],
		strand: [{ from: 'pending', to: 'failed' }],
	},
})

/** The state after `event`, or null when the event is not allowed in `status`. */
export function nextStatus(status: ContainerTaskStatus, event: TaskEvent): ContainerTaskStatus | null {
	const next = transition(taskMachine, { state: status, context: null }, { type: event })
	return next instanceof Error ? null : next.state
}

const closed = new Set(ContainerTaskStatus.options.filter((status) => allowedEvents(taskMachine, status).length === 0))

/** A runner holds it. */
export const isLeased = (status: ContainerTaskStatus): boolean => nextStatus(status, 'heartbeat') !== null

/** Nothing happens to it any more. */
export const isClosed = (status: ContainerTaskStatus): boolean => closed.has(status)
