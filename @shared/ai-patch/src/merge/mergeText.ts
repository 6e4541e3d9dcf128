import { joinLines, splitLines } from '../lines.ts'
import { type Group, groupHunks, type Range } from './groups.ts'
import { createLineIds } from './lineIds.ts'
import { type Hunk, readDown, readUp, widen } from './readings.ts'

/** Texts, or lines as `splitLines` gives them. */
export interface MergeInput {
	base: string | readonly string[]
	ours: string | readonly string[]
	theirs: string | readonly string[]
}

/** Lines `start` to `end` of a file, 1-based and inclusive; `end` is `start - 1` where there are none. */
export interface Excerpt {
	start: number
	end: number
	text: string
}

/** What both sides changed, each in its own way. */
export interface ConflictHunk {
	base: Excerpt
	ours: Excerpt
	theirs: Excerpt
}

export type MergeResult = { kind: 'clean'; text: string } | { kind: 'conflict'; hunks: ConflictHunk[] }

interface Texts {
	base: readonly string[]
	ours: readonly string[]
	theirs: readonly string[]
}

/** The same texts as numbers, see `createLineIds`. */
interface Numbered {
	base: Int32Array
	ours: Int32Array
	theirs: Int32Array
}

/**
 * Three-way merge by lines (see `splitLines`). Changes of the two sides are both taken where at least one line that neither changed
 * stands between them, and taken once where they are the same; anything else is a conflict. A clean result is the one that
 * `git merge-file` gives. Where equal lines leave open what was changed, and the answer decides the result, that is a conflict too.
 *
 * Space is linear in the texts, and time is bounded for texts of any shape (`shortestEdit.ts`).
 */
export function mergeText(input: MergeInput): MergeResult {
	const texts = { base: toLines(input.base), ours: toLines(input.ours), theirs: toLines(input.theirs) }
	const ids = createLineIds()
	const base = ids.of(texts.base)
	const alike = { lines: texts.base, ids: base }
	const [ours, theirs] = [ids.of(texts.ours, alike), ids.of(texts.theirs, alike)]
	if (isSame(base, ours) || isSame(ours, theirs)) return { kind: 'clean', text: joinLines(texts.theirs) }
	if (isSame(base, theirs)) return { kind: 'clean', text: joinLines(texts.ours) }
	return decide(texts, { base, ours, theirs })
}

function decide(texts: Texts, { base, ours, theirs }: Numbered): MergeResult {
	const sameLines = (group: Group) => isSame(ours.subarray(group.ours.start, group.ours.end), theirs.subarray(group.theirs.start, group.theirs.end))
	const attempt = (one: Hunk[], other: Hunk[]) => {
		const groups = groupHunks(one, other)
		const conflicts = groups.filter((group) => group.side === 'both' && !sameLines(group))
		return { conflicts, text: conflicts.length === 0 ? render(texts, groups) : null }
	}
	const [ourDown, theirDown] = [readDown(base, ours), readDown(base, theirs)]
	const down = attempt(ourDown.hunks, theirDown.hunks)
	if (down.text === null) return conflict(texts, down.conflicts)
	const [ourUp, theirUp] = [readUp(base, ours), readUp(base, theirs)]
	const wide = attempt(
		widen({ down: ourDown, up: ourUp }, { a: base.length, b: ours.length }),
		widen({ down: theirDown, up: theirUp }, { a: base.length, b: theirs.length }),
	)
	// Nothing that is left open lies near a change of the other side: every reading gives this.
	if (wide.text !== null) return { kind: 'clean', text: wide.text }
	const others = [attempt(ourUp.hunks, theirUp.hunks), attempt(ourUp.hunks, theirDown.hunks), attempt(ourDown.hunks, theirUp.hunks)]
	const isOpen = others.some(({ text }) => text !== null && text !== down.text)
	return isOpen ? conflict(texts, wide.conflicts) : { kind: 'clean', text: down.text }
}

function render(texts: Texts, groups: readonly Group[]): string {
	const pieces: string[] = []
	const copy = (lines: readonly string[], { start, end }: Range) => {
		for (let at = start; at < end; at += 1) pieces.push(lines[at] ?? '')
	}
	let next = 0
	for (const { base, side, ours, theirs } of groups) {
		copy(texts.base, { start: next, end: base.start })
		if (side === 'theirs') copy(texts.theirs, theirs)
		else copy(texts.ours, ours)
		next = base.end
	}
	copy(texts.base, { start: next, end: texts.base.length })
	return joinLines(pieces)
}

function conflict(texts: Texts, groups: readonly Group[]): MergeResult {
	const excerpt = (lines: readonly string[], { start, end }: Range): Excerpt => ({ start: start + 1, end, text: joinLines(lines.slice(start, end)) })
	const hunks = groups.map(({ base, ours, theirs }) => ({
		base: excerpt(texts.base, base),
		ours: excerpt(texts.ours, ours),
		theirs: excerpt(texts.theirs, theirs),
	}))
	return { kind: 'conflict', hunks }
}

function toLines(text: string | readonly string[]): readonly string[] {
	return typeof text === 'string' ? splitLines(text) : text
}

function isSame(a: Int32Array, b: Int32Array): boolean {
	if (a.length !== b.length) return false
	for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false
	return true
}
