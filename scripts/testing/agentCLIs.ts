import { CLI_NAMES, ensureCLI } from 'agent-runner'
import { startsAgents } from './suite.ts'
import type { Suite } from './suite.ts'

/** Whether tests of the suite start agents. */
export const needsAgents = ({ files }: Pick<Suite, 'files'>): boolean => files.some(startsAgents)

/**
 * Brings in the pinned agent CLIs, all at once: on a new machine they are hundreds of megabytes, and the first tests that need one would
 * miss their deadlines while a runner waits for npm. What cannot be had is said, and fails the tests that need it.
 */
export async function bringInAgents(say: (line: string) => void, ensure: (name: (typeof CLI_NAMES)[number]) => Promise<unknown> = ensureCLI): Promise<void> {
	const startedAt = performance.now()
	const results = await Promise.allSettled(CLI_NAMES.map((name) => ensure(name)))
	for (const result of results) if (result.status === 'rejected') say(result.reason instanceof Error ? result.reason.message : String(result.reason))
	const seconds = (performance.now() - startedAt) / 1000
	if (seconds > 2) say(`brought in ${CLI_NAMES.join(', ')} in ${seconds.toFixed(0)} s`)
}
