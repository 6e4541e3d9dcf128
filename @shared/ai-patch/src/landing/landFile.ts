import type { FileMode } from '@shared/contracts'
import { mergeText } from '../merge/mergeText.ts'
import { decodeText, encodeText } from '../text.ts'
import type { ConflictKind, ContentChange, FileConflict } from './change.ts'

/** What is on the branch now, at the path of a change and where the file is to move from. */
export interface Current {
	atPath: Uint8Array | null
	atFrom: Uint8Array | null
	/** Of the file that is to move, or else of that at the path. */
	mode: FileMode | null
}

export type Landing = 'applied' | 'already-applied' | 'merged'

export interface Outcome {
	landing: Landing
	content: Uint8Array | null
	mode: FileMode
}

/** Decides one file. A file that the branch moved elsewhere counts as deleted: nothing is guessed about where it went. */
export function landFile(change: ContentChange, current: Current): Outcome | FileConflict {
	if (change.kind === 'rename') return landRename(change, current)
	const { before, after } = change
	const { atPath } = current
	if (before === null) return landCreate(change, current)
	if (after === null) return landDelete(change, { before, atPath })
	if (atPath === null) return conflict(change, 'modify-delete', 'the set changes it, the branch has no such file')
	return landContent(change, { before, after, now: atPath, mode: current.mode })
}

function landCreate(change: ContentChange, { atPath, mode }: Current): Outcome | FileConflict {
	if (atPath === null) return outcome('applied', change.after, change.mode)
	const isSame = change.after !== null && sameBytes(atPath, change.after) && (mode === null || mode === change.mode)
	return isSame ? outcome('already-applied', atPath, change.mode) : conflict(change, 'add-add', 'the branch has another file of that name')
}

function landDelete(change: ContentChange, { before, atPath }: { before: Uint8Array; atPath: Uint8Array | null }): Outcome | FileConflict {
	if (atPath === null) return outcome('already-applied', null, change.mode)
	if (sameBytes(atPath, before)) return outcome('applied', null, change.mode)
	return conflict(change, 'delete-modify', 'the set deletes it, the branch has changed it')
}

function landRename(change: ContentChange, { atPath, atFrom, mode }: Current): Outcome | FileConflict {
	const { before, after } = change
	if (before === null || after === null) throw new TypeError('A rename has content before and after.')
	if (atPath !== null) {
		const nextMode = modeAfter(change, mode)
		if (atFrom === null && sameBytes(atPath, after) && (mode ?? nextMode) === nextMode) return outcome('already-applied', atPath, nextMode)
		return conflict(change, 'rename-target', 'the branch has another file of that name')
	}
	if (atFrom === null) return conflict(change, 'rename-source', `the branch has no ${JSON.stringify(change.from)} to rename`)
	return landContent(change, { before, after, now: atFrom, mode })
}

interface Versions {
	before: Uint8Array
	after: Uint8Array
	now: Uint8Array
	mode: FileMode | null
}

function landContent(change: ContentChange, { before, after, now, mode }: Versions): Outcome | FileConflict {
	const nextMode = modeAfter(change, mode)
	const isModeThere = mode === null ? change.kind !== 'mode' : mode === nextMode
	// A rename whose content is there still has to move it.
	if (change.kind !== 'rename' && sameBytes(now, after) && isModeThere) return outcome('already-applied', now, nextMode)
	if (sameBytes(now, before)) return outcome('applied', after, nextMode)
	if (sameBytes(before, after) || sameBytes(now, after)) return outcome('merged', now, nextMode)
	const [base, ours, theirs] = [decodeText(before), decodeText(now), decodeText(after)]
	if (base === null || ours === null || theirs === null) return conflict(change, 'binary', 'it is not text, and both have changed it')
	const merged = mergeText({ base, ours, theirs })
	if (merged.kind === 'clean') return outcome('merged', encodeText(merged.text), nextMode)
	return { path: change.path, kind: 'content', reason: where(merged.hunks), hunks: merged.hunks }
}

/** A mode that the set leaves alone is the branch's; where nobody knows the modes it is the set's. */
function modeAfter({ mode, modeBefore }: ContentChange, now: FileMode | null): FileMode {
	return modeBefore === mode ? (now ?? mode) : mode
}

function where(hunks: readonly { base: { start: number; end: number } }[]): string {
	const lines = hunks.slice(0, 5).map(({ base: { start, end } }) => {
		if (end < start) return `before line ${start}`
		return start === end ? `line ${start}` : `lines ${start}-${end}`
	})
	return `${lines.join(', ')}${hunks.length > lines.length ? ` and ${hunks.length - lines.length} more places` : ''} of its base`
}

function outcome(landing: Landing, content: Uint8Array | null, mode: FileMode): Outcome {
	return { landing, content, mode }
}

function conflict({ path }: ContentChange, kind: ConflictKind, reason: string): FileConflict {
	return { path, kind, reason, hunks: [] }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	if (a === b) return true
	if (a.length !== b.length) return false
	for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false
	return true
}
