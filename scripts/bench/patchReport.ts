import { OURS } from './patchEngines.ts'
import type { BenchReport } from './report.ts'

export interface Row extends Record<string, unknown> {
	engine: string
	case: string
	cases: number
	right?: number
	silentlyWrong?: number
	refused?: number
	p50Ms: number
	p99Ms: number
}

export const REPETITIVE = '10,000 lines of } and blank'

/** Time is promised of the whole landing in process, being right of all of our engines. */
export function makeReport(rows: readonly Row[]): BenchReport {
	const isOurs = ({ engine }: Row) => OURS.some((name) => name === engine)
	const ours = rows.filter((row) => isOurs(row) && row.case !== REPETITIVE)
	const landing = ours.filter(({ engine }) => engine === OURS[0])
	const most = (key: 'p50Ms' | 'p99Ms') => Math.max(...landing.map((row) => row[key]))
	const target = (name: string, limit: number, value: number) => ({ name, target: limit, value, met: value <= limit })
	const targets = [
		target('silently wrong, our engines, all corpora', 0, ours.reduce((sum, row) => sum + (row.silentlyWrong ?? 0), 0)),
		target('drift not landed, percent, worst of our engines', 0.4, worstRefusal(ours)),
		target('p50, ms', 1, most('p50Ms')),
		target('p99, ms', 20, most('p99Ms')),
		target('10,000 repetitive lines, slowest, ms', 100, rows.find((row) => row.case === REPETITIVE)?.p99Ms ?? Number.NaN),
	]
	return { bench: 'patch', rows: [...rows], ratios: ratiosOf(rows, isOurs), targets }
}

/** Of an engine's drift cases, those that it did not land right, in percent. */
function worstRefusal(ours: readonly Row[]): number {
	const drift = Map.groupBy(ours.filter((row) => row.case.startsWith('drift')), ({ engine }) => engine)
	const percents = [...drift.values()].map((rows) => {
		const sum = (key: 'cases' | 'right') => rows.reduce((total, row) => total + (row[key] ?? 0), 0)
		return (100 * (sum('cases') - sum('right'))) / sum('cases')
	})
	return Math.max(...percents)
}

/** Our p50 to that of each other engine on the same cases. */
function ratiosOf(rows: readonly Row[], isOurs: (row: Row) => boolean): Record<string, number> {
	const found: Record<string, number> = {}
	for (const row of rows) {
		const own = rows.find(({ engine, case: name }) => engine === OURS[0] && name === row.case)
		if (!isOurs(row) && own !== undefined && row.p50Ms > 0) found[`${own.engine}/${row.engine} p50, ${row.case}`] = own.p50Ms / row.p50Ms
	}
	return found
}
