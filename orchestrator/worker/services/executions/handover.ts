import type { Execution } from '../../database/repositories/executions.ts'
import { fenced } from './fenced.ts'

/** What an agent had made before it failed, for the next one. */
export interface Handover {
	prompt: string
	/** The set that is handed over; null when there is none. */
	patchSetId: string | null
}

const MAX_DIFF_CHARS = 30_000
/** A prompt is no longer than that of an order may be. */
const MAX_PROMPT_CHARS = 100_000
/** Less of a diff helps nobody. */
const MIN_DIFF_CHARS = 500

/** The prompt for who takes over from a failed run: the task, and what that run had written. `diffOf` is the set as a unified diff. */
export async function handOver(failed: Execution, prompt: string, diffOf: (patchSetId: string) => Promise<string>): Promise<Handover> {
	// What an earlier one had made is in the prompt of the one that failed now.
	const kept = { prompt: failed.input.prompt, patchSetId: null }
	if (failed.patchSetId === null) return kept
	const diff = await diffOf(failed.patchSetId).catch(() => '')
	const start = `${prompt}\n\n# What another agent had begun\n\n${failed.provider} worked on this task before you and did not finish. This is what it had changed on commit ${failed.baseCommit ?? ''}; none of it is in the files that you see. Take from it what is right.\n\n`
	const room = Math.min(MAX_DIFF_CHARS, MAX_PROMPT_CHARS - start.length - 200)
	if (diff === '' || room < MIN_DIFF_CHARS) return kept
	const cut = diff.length > room ? '\n(cut)' : ''
	return { prompt: `${start}${fenced(diff.slice(0, room), 'diff')}${cut}`.slice(0, MAX_PROMPT_CHARS), patchSetId: failed.patchSetId }
}
