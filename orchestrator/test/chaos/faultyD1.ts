import type { Random } from './random.ts'

/** What an orchestrator with a faulty D1 says of each fault, with its time behind it. */
export const FAULT_LINE = 'chaos: a D1 call fails'

/** Whether a call fails before anything ran, or after it: then its answer is lost, and the caller cannot tell the two apart. */
export type FaultTime = 'before' | 'after'

export interface Faults {
	/** Of the calls. */
	share: number
	random: Random
	onFault: (when: FaultTime) => void
	/** As many calls as fail are slow: they wait for this before they do their work, or before they tell of it. */
	linger: () => Promise<void>
}

/** A D1 of which some calls fail and some take long, half of them before and half after they did their work. */
export function faultyD1(d1: D1Database, { share, random, onFault, linger }: Faults): D1Database {
	const fail = (when: FaultTime): never => {
		onFault(when)
		throw new Error(`D1_ERROR: fault injected ${when} the statement`)
	}
	const call = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
		const dice = random() / share
		if (dice < 0.5) fail('before')
		if (dice >= 1 && dice < 1.5) await linger()
		const answer = await work()
		if (dice >= 1.5 && dice < 2) await linger()
		return dice >= 0.5 && dice < 1 ? fail('after') : answer
	}
	const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>()
	const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
		const wrapped = {
			bind: (...values: unknown[]) => wrap(statement.bind(...values)),
			all: () => call(() => statement.all()),
			run: () => call(() => statement.run()),
			first: (column?: string) => call(() => (column === undefined ? statement.first() : statement.first(column))),
			raw: () => call(() => statement.raw()),
		} as D1PreparedStatement
		inner.set(wrapped, statement)
		return wrapped
	}
	return {
		prepare: (text: string) => wrap(d1.prepare(text)),
		batch: (statements: D1PreparedStatement[]) => call(() => d1.batch(statements.map((statement) => inner.get(statement) ?? statement))),
	} as D1Database
}
