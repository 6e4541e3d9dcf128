export interface Totals {
	passed: number
	failed: number
	skipped: number
}

/** The outcome of a suite, and what a person needs when it is not good. */
export interface SuiteResult extends Totals {
	/** Names of tests that did not run. */
	skippedNames: string[]
	/** Why something counts as failed although no test says so; empty when nothing does. */
	problems: string[]
	output: string
}

export function sum(results: readonly Totals[]): Totals {
	return results.reduce<Totals>(
		(total, { passed, failed, skipped }) => ({ passed: total.passed + passed, failed: total.failed + failed, skipped: total.skipped + skipped }),
		{ passed: 0, failed: 0, skipped: 0 },
	)
}

/** `N passed, N failed`, and `, N skipped` when there are any. */
export function totalsLine({ passed, failed, skipped }: Totals): string {
	return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
