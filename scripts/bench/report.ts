/** What every bench ends with under --json. */
export interface BenchReport {
	bench: string
	rows: Record<string, unknown>[]
	ratios: Record<string, number>
	targets: { name: string; target: number; value: number; met: boolean }[]
}

export const median = (values: readonly number[]): number => {
	const sorted = [...values].sort((a, b) => a - b)
	const middle = sorted.length / 2
	return sorted.length === 0 ? Number.NaN : ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2
}

/** The value that so many percent of them do not exceed. */
export const percentile = (values: readonly number[], percent: number): number =>
	[...values].sort((a, b) => a - b)[Math.max(0, Math.ceil((values.length * percent) / 100) - 1)] ?? Number.NaN

/** Prints a report as one JSON object, or as tables for people. */
export function printReport(report: BenchReport, isJSON: boolean): void {
	if (isJSON) {
		process.stdout.write(`${JSON.stringify(report)}\n`)
		return
	}
	console.table(report.rows)
	for (const [name, ratio] of Object.entries(report.ratios)) process.stdout.write(`${name}: ${ratio.toFixed(2)}\n`)
	for (const { name, target, value, met } of report.targets) process.stdout.write(`${met ? 'met   ' : 'missed'}  ${name}: ${value.toFixed(2)} (target <= ${target})\n`)
}
