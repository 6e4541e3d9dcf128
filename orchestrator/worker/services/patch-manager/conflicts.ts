import { AppError, isAppError } from '@shared/contracts'
import { z } from 'zod'

const Side = z.object({ start: z.int(), end: z.int(), text: z.string() })
const Conflict = z.object({ path: z.string(), kind: z.string(), reason: z.string(), hunks: z.array(z.object({ base: Side, ours: Side, theirs: Side })) })

/** A conflict as it is kept and shown: long hunks are cut, the set itself is whole. `hunkCount` counts those that were left out too. */
export type ShownConflict = z.infer<typeof Conflict> & { hunkCount: number }

const MAX_FILES = 50
const MAX_HUNKS = 60
const MAX_SIDE_CHARS = 4000
const MAX_CHARS = 200_000

/** What of `details.conflicts` fits into a row, a Workflow's state and a prompt. */
export function boundConflicts(conflicts: unknown): ShownConflict[] {
	const parsed = z.array(Conflict).safeParse(conflicts)
	if (!parsed.success) return []
	let [hunksLeft, charsLeft] = [MAX_HUNKS, MAX_CHARS]
	return parsed.data.slice(0, MAX_FILES).map(({ path, kind, reason, hunks }) => {
		const shown: ShownConflict['hunks'] = []
		for (const hunk of hunks) {
			const cut = { base: cutSide(hunk.base), ours: cutSide(hunk.ours), theirs: cutSide(hunk.theirs) }
			const chars = cut.base.text.length + cut.ours.text.length + cut.theirs.text.length
			if (hunksLeft === 0 || chars > charsLeft) break
			hunksLeft -= 1
			charsLeft -= chars
			shown.push(cut)
		}
		return { path: path.slice(0, 4096), kind, reason: reason.slice(0, 1000), hunks: shown, hunkCount: hunks.length }
	})
}

/** Any error as it is, but a conflict with no more of its hunks than a row or an answer takes. */
export function boundError(error: unknown): unknown {
	if (!isAppError(error) || error.code !== 'PATCH_CONFLICT') return error
	return new AppError('PATCH_CONFLICT', error.message, { ...error.details, conflicts: boundConflicts(error.details?.['conflicts']) })
}

/** As many of the paths as fit; the last entry says how many do not. */
export function boundPaths(paths: readonly string[]): string[] {
	let charsLeft = MAX_CHARS
	const end = paths.findIndex((path) => (charsLeft -= path.length) < 0)
	return end === -1 ? [...paths] : [...paths.slice(0, end), `(and ${paths.length - end} more)`]
}

function cutSide({ start, end, text }: z.infer<typeof Side>): z.infer<typeof Side> {
	return { start, end, text: text.length <= MAX_SIDE_CHARS ? text : `${text.slice(0, MAX_SIDE_CHARS).toWellFormed()}\n(cut)` }
}
