import { describe, expect, it } from 'vitest'
import { checkHistory, checkLog } from './checker.ts'
import type { Operation } from './history.ts'

const LEASE_MS = 100
type Final = Extract<Operation, { kind: 'final' }>['task']
type Part = Operation extends infer Each ? (Each extends Operation ? Omit<Each, 'taskId' | 'who'> : never) : never

const submit = (start = 0, end: number | null = 1): Part => ({ kind: 'submit', start, end })
const claim = (start: number, token: string, attempt = 1, until = start + LEASE_MS): Part => ({ kind: 'claim', start, end: start + 1, token, attempt, until })
const complete = (start: number, token: string, outcome: 'applied' | 'refused' | 'unknown' = 'applied', end: number | null = outcome === 'unknown' ? null : start + 1): Part => ({
	kind: 'complete', start, end, token, outcome, mark: `by-${token}`,
})
const fail = (start: number, token: string, outcome: 'applied' | 'refused' | 'unknown', isRetried: boolean): Part => ({ kind: 'fail', start, end: outcome === 'unknown' ? null : start + 1, token, outcome, isRetried })
const heartbeat = (start: number, token: string, outcome: 'applied' | 'refused' | 'unknown', until: number | null): Part => ({ kind: 'heartbeat', start, end: outcome === 'unknown' ? null : start + 1, token, outcome, until })
const final = (task: Partial<Final> & Pick<Final, 'status'>, start = 10_000): Part => ({
	kind: 'final', start, end: start + 1, task: { outcome: null, attempt: 1, maxAttempts: 3, error: null, mark: null, ...task },
})
const completedBy = (token: string, attempt = 1) => final({ status: 'completed', attempt, mark: `by-${token}` })
const dead = (attempt = 3) => final({ status: 'failed', outcome: 'dead', attempt, error: { code: 'RUNNER_LOST', message: '', retryable: true } })
const refused = final({ status: 'failed', outcome: 'error', error: { code: 'NO', message: '', retryable: false } })

const check = (parts: Part[], lostClaims = 0) =>
	checkHistory({ operations: parts.map((part, index) => ({ taskId: 'T', who: `r${index}`, ...part })), lostClaims, leaseMs: LEASE_MS })
const isAccepted = (parts: Part[], lostClaims = 0) => check(parts, lostClaims).violations.length === 0

describe('the checker accepts', () => {
	it.each<[string, Part[], number]>([
		['a task that is done at once', [submit(), claim(5, 'a'), complete(10, 'a'), completedBy('a')], 0],
		['a report that is repeated', [submit(), claim(5, 'a'), complete(10, 'a', 'unknown'), complete(20, 'a'), complete(30, 'a'), completedBy('a')], 0],
		['a report that came too late', [submit(), claim(5, 'a'), claim(200, 'b', 2), complete(210, 'a', 'refused'), complete(220, 'b'), completedBy('b', 2)], 0],
		['a report without an answer that was taken', [submit(), claim(5, 'a'), complete(10, 'a', 'unknown'), completedBy('a')], 0],
		['a report without an answer that was not', [submit(), claim(5, 'a'), complete(10, 'a', 'unknown'), claim(200, 'b', 2), complete(210, 'b'), completedBy('b', 2)], 0],
		['a claim that was answered before the submit was', [submit(0, 50), claim(5, 'a'), complete(10, 'a'), completedBy('a')], 0],
		['a lease that was lengthened', [submit(), claim(5, 'a'), heartbeat(100, 'a', 'applied', 200), complete(150, 'a'), completedBy('a')], 0],
		['a lease that may have been lengthened', [submit(), claim(5, 'a'), heartbeat(100, 'a', 'unknown', null), complete(150, 'a'), completedBy('a')], 0],
		['a failure that is tried again', [submit(), claim(5, 'a'), fail(10, 'a', 'applied', true), claim(20, 'b', 2), complete(30, 'b'), completedBy('b', 2)], 0],
		['a failure for good', [submit(), claim(5, 'a'), fail(10, 'a', 'applied', false), refused], 0],
		['a task that lost all its runners', [submit(), claim(5, 'a'), claim(200, 'b', 2), claim(400, 'c', 3), dead()], 0],
		['attempts of which nobody heard', [submit(), claim(5, 'a'), claim(400, 'c', 3), complete(410, 'c'), completedBy('c', 3)], 1],
		['an attempt of which nobody heard, while the one before it was refused', [submit(), claim(5, 'a'), complete(190, 'a', 'refused'), claim(250, 'c', 3), complete(260, 'c'), completedBy('c', 3)], 1],
		['a report that is refused as its lease ends', [submit(), claim(5, 'a'), complete(100, 'a', 'refused', 110), claim(110, 'b', 2), complete(120, 'b'), completedBy('b', 2)], 0],
		['a task that only unanswered claims took', [submit(), dead()], 3],
	])('%s', (_name, parts, lostClaims) => {
		expect(check(parts, lostClaims).violations).toEqual([])
	})
})

describe('the checker ends', () => {
	const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))
	// Three attempts of runners that repeat what nobody answers, and a queue that was slow throughout.
	const repeated = ['a', 'b', 'c'].flatMap((token, at): Part[] => [
		claim(5 + at * 1000, token, at + 1),
		...times(30, (index) => heartbeat(10 + at * 1000 + index, token, 'unknown', null)),
		...times(30, (index) => complete(50 + at * 1000 + index, token, 'unknown')),
	])

	it('soon with many calls that nobody answered', () => {
		expect(isAccepted([submit(), ...repeated, completedBy('c', 3)])).toBe(true)
		expect(isAccepted([submit(), ...repeated, completedBy('b', 2)])).toBe(false)
		expect(isAccepted([submit(), ...repeated, completedBy('z', 3)])).toBe(false)
	})
})

describe('the checker rejects', () => {
	it.each<[string, Part[], number]>([
		['two runners that both complete it', [submit(), claim(5, 'a'), claim(200, 'b', 2), complete(210, 'b'), complete(220, 'a'), completedBy('b', 2)], 0],
		['a task that was completed and is claimed again', [submit(), claim(5, 'a'), complete(10, 'a'), claim(200, 'b', 2), complete(210, 'b'), completedBy('b', 2)], 0],
		['a completion that was taken and is gone', [submit(), claim(5, 'a'), complete(10, 'a'), final({ status: 'pending' })], 0],
		['a lost task', [submit(), claim(5, 'a'), final({ status: 'assigned' })], 0],
		['a task that nobody looked at in the end', [submit(), claim(5, 'a'), complete(10, 'a')], 0],
		['a stale completion that was applied', [submit(), claim(5, 'a'), complete(200, 'a'), completedBy('a')], 0],
		['the result of another than the one that completed it', [submit(), claim(5, 'a'), claim(200, 'b', 2), complete(210, 'b'), completedBy('a', 2)], 0],
		['a claim of a task that another holds', [submit(), claim(5, 'a'), claim(50, 'b', 2), complete(60, 'b'), completedBy('b', 2)], 0],
		['a completion without a claim', [submit(), complete(10, 'a'), completedBy('a')], 0],
		['a claim before the submit', [submit(100, 101), claim(5, 'a'), complete(150, 'a'), completedBy('a')], 0],
		['a report that is refused though its lease is held', [submit(), claim(5, 'a'), complete(10, 'a', 'refused'), complete(20, 'a'), completedBy('a')], 0],
		['a report that is refused and then taken', [submit(), claim(5, 'a'), complete(100, 'a', 'refused', 110), complete(99, 'a'), completedBy('a')], 0],
		['a report that is refused though its lease was lengthened', [submit(), claim(5, 'a'), heartbeat(100, 'a', 'applied', 200), complete(102, 'a', 'refused', 150), claim(210, 'b', 2), complete(220, 'b'), completedBy('b', 2)], 0],
		['a heartbeat after the lease', [submit(), claim(5, 'a'), heartbeat(200, 'a', 'applied', 400), complete(210, 'a'), completedBy('a')], 0],
		['an attempt that is counted twice', [submit(), claim(5, 'a'), claim(200, 'b', 1), complete(210, 'b'), completedBy('b')], 0],
		['more attempts of which nobody heard than claims without an answer', [submit(), claim(5, 'a'), claim(400, 'c', 3), complete(410, 'c'), completedBy('c', 3)], 0],
		['attempts for which there was no time', [submit(), claim(5, 'a'), claim(150, 'c', 3), complete(160, 'c'), completedBy('c', 3)], 5],
		['a dead task that had attempts left', [submit(), claim(5, 'a'), dead(1)], 0],
		['a failure that nobody reported', [submit(), claim(5, 'a'), refused], 0],
		['a task that ended without a reason', [submit(), claim(5, 'a'), fail(10, 'a', 'applied', false), final({ status: 'failed', outcome: 'error' })], 0],
	])('%s', (_name, parts, lostClaims) => {
		expect(isAccepted(parts, lostClaims)).toBe(false)
	})

	it('and says of which task, and what cannot be', () => {
		const { violations } = check([submit(), claim(5, 'a'), claim(50, 'b', 2), complete(60, 'b'), completedBy('b', 2)])
		expect(violations).toEqual([{ taskId: 'T', why: expect.stringMatching(/leased after attempt 1 cannot answer .*claim attempt 2 b/) }])
	})
})

describe('the log of a task', () => {
	const violationsOf = (life: string) => checkLog(life.split(' ').map((word) => ({ taskId: 'T', operation: `queue.${word}` })))
	it.each(['submitted claimed completed', 'submitted claimed lapsed claimed running report-refused completed', 'submitted claimed retry claimed failed', 'submitted claimed lapsed claimed lapsed'])('can be %s', (life) => {
		expect(violationsOf(life)).toEqual([])
	})
	it.each(['submitted', 'submitted claimed', 'submitted claimed completed completed', 'submitted claimed claimed completed', 'submitted completed', 'submitted claimed completed claimed completed', 'submitted claimed failed lapsed', 'claimed completed'])('cannot be %s', (life) => {
		expect(violationsOf(life)).toHaveLength(1)
	})
})
