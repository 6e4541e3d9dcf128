// For tests only.

/** How often a property is tried: as given, or VIBEHQ_FUZZ_RUNS times for a long search by the same code. */
export function fuzzRuns(usual: number): number {
	const asked = process.env['VIBEHQ_FUZZ_RUNS']
	if (asked === undefined || asked === '') return usual
	const runs = Number(asked)
	if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`VIBEHQ_FUZZ_RUNS is ${JSON.stringify(asked)}; give a whole number from 1.`)
	return runs
}
