import type { Random } from './random.ts'

export interface FaultCounts {
	calls: number
	/** Failed before anything ran. */
	before: number
	/** Ran, and then the answer was lost: the caller cannot tell the two apart. */
	after: number
}

/** A D1 of which this share of the calls fails, half of them before and half after they did their work. */
export function faultyD1(d1: D1Database, { share, random, counts = { calls: 0, before: 0, after: 0 } }: { share: number; random: Random; counts?: FaultCounts }): D1Database {
	const call = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
		const dice = random()
		counts.calls++
		if (dice < share / 2) {
			counts.before++
			throw new Error('D1_ERROR: fault injected before the statement')
		}
		const answer = await work()
		if (dice < share) {
			counts.after++
			throw new Error('D1_ERROR: fault injected after the statement')
		}
		return answer
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
