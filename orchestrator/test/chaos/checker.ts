// Is there an order of the calls on a task, within the times at which they were made and answered, in which a queue with leases
// that does one thing at a time gives the same answers? Tasks do not know of each other, so each is looked at by itself.
import { lineOf, linesOf } from './history.ts'
import type { History, Operation, Outcome } from './history.ts'

export interface Violation {
	taskId: string
	why: string
}

/** A task in the model. `clock` is the earliest moment at which its last step can have happened. */
interface State {
	status: 'absent' | 'pending' | 'leased' | 'completed' | 'failed'
	attempt: number
	/** The current lease, or the one that ended the last attempt by a report. */
	token: string | null
	/** The lease ran out between these two: an unanswered heartbeat may have lengthened it. */
	until: number
	untilAtMost: number
	mark: string | null
	/** Attempts of which no runner ever heard. */
	ghosts: number
	clock: number
}

const ABSENT: State = { status: 'absent', attempt: 0, token: null, until: 0, untilAtMost: 0, mark: null, ghosts: 0, clock: 0 }
const endOf = (operation: Operation) => operation.end ?? Infinity

/** What is wrong with a history: nothing, when a correct queue can have brought it forth. */
export function checkHistory(history: History): { violations: Violation[]; ghosts: number } {
	let ghosts = 0
	const violations = [...Map.groupBy(history.operations, ({ taskId }) => taskId)].flatMap(([taskId, operations]): Violation[] => {
		const found = linearize(operations, history.leaseMs)
		if ('ghosts' in found) ghosts += found.ghosts
		return 'why' in found ? [{ taskId, why: [`${found.why} Its life:`, ...linesOf(operations)].join('\n') }] : []
	})
	if (ghosts > history.lostClaims) {
		violations.push({ taskId: '(all)', why: `${ghosts} attempts were started that no runner heard of, but unanswered claims can have started ${history.lostClaims} at most.` })
	}
	return { violations, ghosts }
}

/**
 * Looks for such an order, depth first; a state that was reached before with the same calls made is not looked at again. A call that
 * nobody answered may have done nothing, so it is only tried where it changes something, and of those that would change the same the
 * first: runners repeat their calls, and each of them anywhere would be too many orders.
 */
function linearize(operations: readonly Operation[], leaseMs: number): { ghosts: number } | { why: string } {
	const visited = new Set<string>()
	const [unanswered, answered] = [operations.filter(({ end }) => end === null), operations.filter(({ end }) => end !== null)]
	const firstOfTheirKind = [...new Map(unanswered.toSorted((a, b) => b.start - a.start).map((operation) => [effectOf(operation), operation])).values()]
	let furthest: { done: number; state: State; blocked: Operation[] } = { done: -1, state: ABSENT, blocked: [] }
	const search = (undone: readonly Operation[], untried: readonly Operation[], state: State): State | null => {
		if (undone.length === 0) return state
		const key = JSON.stringify([[...undone, ...untried].map((operation) => operations.indexOf(operation)), state])
		if (visited.has(key)) return null
		visited.add(key)
		const firstEnd = Math.min(...undone.map(endOf))
		const next = undone.filter(({ start }) => start <= firstEnd).toSorted((a, b) => endOf(a) - endOf(b))
		const tries = untried.filter(({ start }) => start <= firstEnd)
		for (const operation of [...next, ...tries]) {
			const others = (each: Operation) => each !== operation
			for (const after of step(state, operation, leaseMs)) {
				const found = search(undone.filter(others), untried.filter(others), after)
				if (found) return found
			}
		}
		if (answered.length - undone.length > furthest.done) furthest = { done: answered.length - undone.length, state, blocked: next }
		return null
	}
	const found = search(answered, firstOfTheirKind, ABSENT)
	if (found) return isEnded(operations) ? { ghosts: found.ghosts } : { why: 'Nobody looked at how it ended.' }
	const { state, blocked } = furthest
	return { why: `A queue that has it as ${state.status} after attempt ${state.attempt} cannot answer ${blocked.map(lineOf).join(' | ')}.` }
}

/** What a call changes when it is taken: equal for calls that change the same. After one was taken, the others change nothing. */
const effectOf = ({ who: _who, start: _start, end: _end, ...effect }: Operation): string => JSON.stringify(effect)

const isEnded = (operations: readonly Operation[]) => operations.some(({ kind }) => kind === 'final')

/** The states in which a correct queue can be after it gave this answer, or took the call without one; none when it cannot. */
function step(before: State, operation: Operation, leaseMs: number): State[] {
	const state = { ...before, clock: Math.max(before.clock, operation.start) }
	if (state.clock > endOf(operation)) return []
	if ('outcome' in operation && operation.outcome === 'refused') return refuse(before, operation)
	switch (operation.kind) {
		case 'submit':
			return state.status === 'absent' ? [{ ...state, status: 'pending' }] : []
		case 'claim':
			return claim(before, operation, leaseMs)
		case 'heartbeat':
			return heartbeat(state, operation)
		case 'complete':
			return report(state, operation, { ...state, status: 'completed', mark: operation.mark })
		case 'fail':
			return report(state, operation, { ...state, status: operation.isRetried ? 'pending' : 'failed' })
		case 'final':
			return final(before, operation, leaseMs)
	}
}

/** The task as nobody's, after leases that ran out: the known one, and so many that nobody heard of. Null when there was no time for it. */
function free(state: State, operation: Operation, at: { attempt: number; leaseMs: number }): State | null {
	if (state.status !== 'pending' && state.status !== 'leased') return null
	const ghosts = at.attempt - state.attempt
	const freeAt = Math.max(state.clock, state.status === 'leased' ? state.until : 0) + ghosts * at.leaseMs
	const clock = Math.max(freeAt, operation.start)
	if (ghosts < 0 || clock > endOf(operation)) return null
	return { ...state, status: 'pending', attempt: at.attempt, token: ghosts > 0 || state.status === 'leased' ? null : state.token, ghosts: state.ghosts + ghosts, clock }
}

function claim(state: State, operation: Extract<Operation, { kind: 'claim' }>, leaseMs: number): State[] {
	const { attempt, token, until } = operation
	const nobodys = free(state, operation, { attempt: attempt - 1, leaseMs })
	return nobodys ? [{ ...nobodys, status: 'leased', attempt, token, until, untilAtMost: until }] : []
}

const isHeld = (state: State, token: string) => state.status === 'leased' && state.token === token && state.clock < state.untilAtMost

/** A refusal says only that the lease was over by then: what happened to the task since, an attempt of which nobody heard, may have begun before. */
function refuse(before: State, operation: Extract<Operation, { token: string; outcome: Outcome }>): State[] {
	if (operation.kind === 'complete' && isRepeated(before, operation)) return []
	if (before.status !== 'leased' || before.token !== operation.token) return [before]
	return endOf(operation) >= before.until ? [{ ...before, clock: Math.max(before.clock, before.until) }] : []
}

function heartbeat(state: State, operation: Extract<Operation, { kind: 'heartbeat' }>): State[] {
	const { token, outcome, until } = operation
	if (outcome === 'applied') return isHeld(state, token) && until !== null ? [{ ...state, until, untilAtMost: until }] : []
	return isHeld(state, token) ? [{ ...state, untilAtMost: Infinity }] : []
}

type Report = Extract<Operation, { kind: 'complete' | 'fail' }>

/** The second report with the same token that ends as the first did gets the same answer. */
const isRepeated = (state: State, operation: Report) =>
	state.token === operation.token && (operation.kind === 'complete' ? state.status === 'completed' && state.mark === operation.mark : state.status === (operation.isRetried ? 'pending' : 'failed'))

function report(state: State, operation: Report, applied: State): State[] {
	const { token, outcome } = operation
	const isTaken = isHeld(state, token)
	const isKnown = isRepeated(state, operation)
	if (outcome === 'applied') return [...(isTaken ? [applied] : []), ...(isKnown ? [state] : [])]
	return isTaken ? [applied] : []
}

function final(state: State, operation: Extract<Operation, { kind: 'final' }>, leaseMs: number): State[] {
	const { status, outcome, attempt, maxAttempts, error, mark } = operation.task
	if (status === 'completed') return state.status === 'completed' && state.attempt === attempt && state.mark === mark ? [state] : []
	if (status !== 'failed' || error === null) return []
	if (outcome === 'error') return state.status === 'failed' && state.attempt === attempt ? [state] : []
	// Dead-lettered: the last attempt that it was allowed ran out.
	const dead = outcome === 'dead' && attempt === maxAttempts && (state.status === 'leased' || attempt > state.attempt) ? free(state, operation, { attempt, leaseMs }) : null
	return dead ? [{ ...dead, status: 'failed' }] : []
}

/** What the log of the queue says of a task, from its submit to its one end. */
const LIFE = /^submitted (claimed (running )?(lapsed|retry) )*(claimed (running )?(completed|failed|lapsed)) $/

/** Tasks whose log is not the life of a task: an attempt that ends twice or never, an end that is not the last. */
export function checkLog(lines: readonly { taskId: string; operation: string }[]): Violation[] {
	const about = lines.filter(({ operation }) => operation !== 'queue.report-refused')
	return [...Map.groupBy(about, ({ taskId }) => taskId)].flatMap(([taskId, own]) => {
		const life = own.map(({ operation }) => `${operation.replace('queue.', '')} `).join('')
		return LIFE.test(life) ? [] : [{ taskId, why: `Its log is ${life}` }]
	})
}
