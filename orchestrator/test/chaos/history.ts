import type { ContainerTask } from '@shared/contracts'

/** One call as its caller saw it, in Unix ms; `end` is null when no answer came that says what happened. */
interface Call {
	taskId: string
	who: string
	start: number
	end: number | null
}

/** What became of a report: taken, refused because its lease was lost, or nobody knows. */
export type Outcome = 'applied' | 'refused' | 'unknown'

export type Operation = Call &
	(
		| { kind: 'submit' }
		| { kind: 'claim'; token: string; attempt: number; until: number }
		| { kind: 'heartbeat'; token: string; outcome: Outcome; until: number | null }
		| { kind: 'complete'; token: string; outcome: Outcome; mark: string }
		| { kind: 'fail'; token: string; outcome: Outcome; isRetried: boolean }
		| { kind: 'final'; task: Pick<ContainerTask, 'status' | 'outcome' | 'attempt' | 'maxAttempts' | 'error'> & { mark: string | null } }
	)

export interface History {
	operations: Operation[]
	/** How many tasks the claims without an answer may have taken: leases that nobody knows of. */
	lostClaims: number
	leaseMs: number
}

/** One call of a runner, as it is written down. */
export interface JournalLine {
	id: string
	operations: Operation[]
	lostClaims: number
}

/** Where a runner writes its calls: each before it is made, as one that nobody answered, and again with its answer. */
export interface Journal {
	begin(unanswered: Operation[], mayClaim?: number): (operations: Operation[], lostClaims?: number) => void
}

export function createJournal(who: string, write: (line: JournalLine) => void): Journal {
	let calls = 0
	return {
		begin(unanswered, mayClaim = 0) {
			const id = `${who}#${++calls}`
			write({ id, operations: unanswered, lostClaims: mayClaim })
			return (operations, lostClaims = 0) => write({ id, operations, lostClaims })
		},
	}
}

/** What is known of each call: its last line. */
export function readJournal(lines: readonly JournalLine[]): Pick<History, 'operations' | 'lostClaims'> {
	const calls = [...new Map(lines.map((line) => [line.id, line])).values()]
	return { operations: calls.flatMap(({ operations }) => operations), lostClaims: calls.reduce((sum, call) => sum + call.lostClaims, 0) }
}

/** The calls in a few words. */
export function countOf({ operations }: History): string {
	const count = (kind: Operation['kind'], outcome?: Outcome) => operations.filter((operation) => operation.kind === kind && (outcome === undefined || ('outcome' in operation && operation.outcome === outcome))).length
	return `${operations.length} calls on ${count('final')} tasks: ${count('claim')} claims, ${count('complete', 'applied')} completions taken, ${count('complete', 'refused')} refused as stale, ${count('complete', 'unknown')} unanswered`
}

/** The history of the task that was claimed most often. */
export function longestLife({ operations }: History): string {
	const claims = (life: readonly Operation[]) => life.filter(({ kind }) => kind === 'claim').length
	const [longest] = [...Map.groupBy(operations, ({ taskId }) => taskId)].toSorted(([, a], [, b]) => claims(b) - claims(a) || b.length - a.length)
	const [taskId, life = []] = longest ?? ['none']
	return [taskId, ...linesOf(life)].join('\n')
}

/** Calls on one task, a line each; repeats of a call that nobody answered are one line. */
export function linesOf(life: readonly Operation[]): string[] {
	const isRepeat = (a: Operation | undefined, b: Operation) => a !== undefined && a.end === null && b.end === null && a.kind === b.kind
	const lines = [...Map.groupBy(life, ({ who }) => who).values()].flatMap((own) => own.toSorted((a, b) => a.start - b.start).filter((operation, index, all) => !isRepeat(all[index - 1], operation)))
	return lines.toSorted((a, b) => a.start - b.start).map((operation) => `  ${lineOf(operation)}`)
}

const DETAILS = {
	submit: () => '',
	claim: (at: Extract<Operation, { kind: 'claim' }>) => `attempt ${at.attempt} ${at.token} until ${at.until}`,
	heartbeat: (at: Extract<Operation, { kind: 'heartbeat' }>) => `${at.token} ${at.outcome} until ${at.until}`,
	complete: (at: Extract<Operation, { kind: 'complete' }>) => `${at.token} ${at.outcome} ${at.mark}`,
	fail: (at: Extract<Operation, { kind: 'fail' }>) => `${at.token} ${at.outcome}${at.isRetried ? ' to be retried' : ''}`,
	final: ({ task }: Extract<Operation, { kind: 'final' }>) => `${task.status} ${task.outcome ?? '-'} attempt ${task.attempt} ${task.mark ?? ''} ${task.error?.code ?? ''}`,
}

/** One line of a printed history. */
export function lineOf(operation: Operation): string {
	const detail = DETAILS[operation.kind] as (operation: Operation) => string
	return `${operation.start}..${operation.end ?? '?'} ${operation.who} ${operation.kind} ${detail(operation)}`.trimEnd()
}
