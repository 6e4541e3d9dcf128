import type { BenchReport } from '../report.ts'
import { PROCESS_CASES } from './cases.ts'
import type { Row } from './cases.ts'
import { FLOORS } from './overRPC.ts'

const OURS = 'vibehq'
const IDLE = 'pick up when idle'
const RE_RUN = 're-run after SIGKILL'
const isOurs = (row: Row) => row.engine.startsWith(OURS)
const isFloor = (row: Row) => FLOORS.some(({ engine }) => engine === row.engine)

/**
 * Every peer against the faster of our two public paths. A figure is what the peer has of ours, or ours of the peer's time: 1 or less is a lead.
 * Where a peer is faster than a call that does nothing, no queue behind such a call can lead.
 */
export function makeReport(rows: Row[]): BenchReport {
	const ratios: Record<string, number> = {}
	const targets: BenchReport['targets'] = []
	const rated = rows.filter((row) => !isOurs(row) && !isFloor(row) && (row.perSecond !== undefined || row.p50Ms !== undefined))
	for (const peer of rated) {
		const ours = rows.filter((row) => isOurs(row) && row.case === peer.case)
		const value = peer.perSecond === undefined ? Math.min(...ours.map(({ p50Ms }) => p50Ms ?? Infinity)) / (peer.p50Ms ?? Number.NaN) : peer.perSecond / bestOf(ours)
		const name = peer.perSecond === undefined ? `${OURS}/${peer.engine} ${peer.case}` : `${peer.engine}/${OURS} ${peer.case}`
		ratios[name] = value
		if (!peer.engine.startsWith('BullMQ')) targets.push({ name, target: 1, value, met: value <= 1 })
	}
	for (const floor of rows.filter(isFloor)) {
		for (const peer of rated) if (peer.case === floor.case) ratios[`${peer.engine}/${floor.engine}, ${floor.case}`] = (peer.perSecond ?? Number.NaN) / bestOf([floor])
	}
	const batches = bestOf(rows.filter((row) => isOurs(row) && PROCESS_CASES.some((each) => each.batch > 1 && each.case === row.case)))
	const bullmq = bestOf(rows.filter((row) => row.engine.startsWith('BullMQ') && row.case.startsWith('process')))
	if (bullmq > 0) targets.push(atMost('BullMQ at its fastest/vibehq in batches', 1, bullmq / batches))
	for (const row of rows.filter(isOurs)) {
		if (row.case === IDLE) targets.push(atMost(`${row.engine}: ${IDLE}, p50 ms`, 5, row.p50Ms ?? Infinity))
		if (row.case === RE_RUN) targets.push(atMost(`${row.engine}: ${RE_RUN}, seconds`, 5, row.seconds ?? Infinity))
	}
	return { bench: 'queue', rows: rows.map((row) => ({ ...row })), ratios, targets }
}

const bestOf = (rows: Row[]) => Math.max(0, ...rows.map((row) => row.perSecond ?? 0))
const atMost = (name: string, target: number, value: number) => ({ name, target, value, met: value <= target })
