import type { FileChange, PatchSet } from '@shared/contracts'
import { checkPatchSet, type PlannedFile } from './checkPatchSet.ts'
import { splitLines } from './lines.ts'
import { createLineIds } from './merge/lineIds.ts'
import { type Hunk, readDown } from './merge/readings.ts'
import { decodeText } from './text.ts'

/** Lines of the base of the first set, 1-based and inclusive; `end` is `start - 1` for a place between two lines. */
export interface LineRange {
	start: number
	end: number
}

/** Two sets of which only one can land as it is. */
export interface Collision {
	patchSetIds: [first: string, second: string]
	file: string
	/** overlap and adjacent (lines that touch) have ranges; the others are about whole files. */
	kind: 'overlap' | 'adjacent' | 'delete-modify' | 'add-add' | 'rename'
	ranges: LineRange[]
	/** False where the sets have different bases and nobody has their contents: then any two edits of the file count. */
	isCertain: boolean
}

export interface ForecastOptions {
	/** Content by blob id: lets lines of different bases be compared. */
	readBlob?: (blob: string) => Promise<Uint8Array | null>
}

type Pair = [first: PlannedFile, second: PlannedFile]
type Found = Pick<Collision, 'kind' | 'ranges' | 'isCertain'>

/**
 * Which of the sets of one workspace will be in each other's way, before any of them lands; pairs in the order of the list. The same
 * change in both is no collision, nor is a set that was made on the result of the other. Throws what `checkPatchSet` throws.
 */
export async function forecastCollisions(sets: readonly PatchSet[], options: ForecastOptions = {}): Promise<Collision[]> {
	const collisions: Collision[] = []
	const byPath = new Map<string, { id: string; file: PlannedFile }[]>()
	for (const set of sets) {
		const planned = checkPatchSet(set)
		for (const file of planned) {
			const others = new Set(pathsOf(file.file).flatMap((path) => byPath.get(path) ?? []))
			for (const other of others) {
				const found = await compare([other.file, file], options)
				if (found !== null) collisions.push({ patchSetIds: [other.id, set.patch_set_id], file: sharedPath(other.file.file, file.file), ...found })
			}
		}
		for (const file of planned) {
			const entry = { id: set.patch_set_id, file }
			for (const path of pathsOf(file.file)) {
				byPath.set(path, [...(byPath.get(path) ?? []), entry])
			}
		}
	}
	return collisions
}

function pathsOf({ path, from }: FileChange): string[] {
	return from === undefined ? [path] : [path, from]
}

function sharedPath(first: FileChange, second: FileChange): string {
	return pathsOf(first).find((path) => pathsOf(second).includes(path)) ?? first.path
}

async function compare([first, second]: Pair, options: ForecastOptions): Promise<Found | null> {
	const [one, other] = [first.file, second.file]
	const whole = (kind: Found['kind']): Found => ({ kind, ranges: [], isCertain: true })
	if (one.result_blob === other.result_blob && one.path === other.path && one.from === other.from && one.mode === other.mode) return null
	if (one.result_blob !== null && one.result_blob === other.base_blob && (other.from ?? other.path) === one.path) return null
	if (one.change === 'rename' || other.change === 'rename') return whole('rename')
	if (one.change === 'create' || other.change === 'create') return one.change === other.change ? whole('add-add') : null
	if (one.change === 'delete' || other.change === 'delete') return whole('delete-modify')
	// A mode beside an edit, or beside the same mode: neither is in the way of the other.
	if (one.change === 'mode' || other.change === 'mode') return null
	const base = await readLines(one.base_blob, options)
	const spans = spansOf(first, base?.length)
	if (one.base_blob === other.base_blob) return meet(spans, spansOf(second, base?.length))
	const otherBase = await readLines(other.base_blob, options)
	if (base === null || otherBase === null) return { kind: 'overlap', ranges: spans.map(toLines), isCertain: false }
	return meet(spans, translate(spansOf(second, otherBase.length), { from: otherBase, to: base }))
}

async function readLines(blob: string | null, { readBlob }: ForecastOptions): Promise<string[] | null> {
	const bytes = blob === null || readBlob === undefined ? null : await readBlob(blob)
	const text = bytes === null ? null : decodeText(bytes)
	return text === null ? null : splitLines(text)
}

/** Lines `start` to `end` (exclusive, 0-based) of the base. */
interface Span {
	start: number
	end: number
}

// Where nobody knows the length of the base, nothing but another append is near an append.
function spansOf({ operations }: PlannedFile, lineCount = Number.MAX_SAFE_INTEGER): Span[] {
	const spans = operations.map((operation): Span => {
		switch (operation.operation) {
			case 'replace-block':
				return { start: operation.start - 1, end: operation.end }
			case 'insert-before':
				return { start: operation.line - 1, end: operation.line - 1 }
			case 'insert-after':
				return { start: operation.line, end: operation.line }
			case 'append':
				return { start: lineCount, end: lineCount }
		}
	})
	return spans.sort((a, b) => a.start - b.start || a.end - b.end)
}

function meet(first: readonly Span[], second: readonly Span[]): Found | null {
	const ranges: Span[] = []
	let isOverlap = false
	for (let [a, b] = [0, 0]; ; ) {
		const [one, other] = [first[a], second[b]]
		if (one === undefined || other === undefined) break
		if (one.start <= other.end && other.start <= one.end) {
			ranges.push({ start: Math.max(one.start, other.start), end: Math.min(one.end, other.end) })
			isOverlap ||= overlaps(one, other)
		}
		if (one.end < other.end) a += 1
		else b += 1
	}
	return ranges.length === 0 ? null : { kind: isOverlap ? 'overlap' : 'adjacent', ranges: ranges.map(toLines), isCertain: true }
}

/** Two insertions at one place, an insertion within replaced lines, or a line replaced by both. */
function overlaps(one: Span, other: Span): boolean {
	if (one.start === one.end && other.start === other.end) return one.start === other.start
	return one.start < other.end && other.start < one.end
}

function toLines({ start, end }: Span): LineRange {
	return { start: start + 1, end }
}

/** The spans of one base in lines of another. */
function translate(spans: readonly Span[], { from, to }: { from: readonly string[]; to: readonly string[] }): Span[] {
	const ids = createLineIds()
	const { hunks } = readDown(ids.of(from), ids.of(to))
	return spans.map(({ start, end }) => ({ start: moveStart(hunks, start), end: moveEnd(hunks, end) }))
}

// A place within changed lines stands for all of them.
function moveStart(hunks: readonly Hunk[], at: number): number {
	let shift = 0
	for (const { aStart, aEnd, bStart, bEnd } of hunks) {
		if (at < aStart || (at === aStart && aStart === aEnd)) break
		if (at < aEnd) return bStart
		shift = bEnd - aEnd
	}
	return at + shift
}

function moveEnd(hunks: readonly Hunk[], at: number): number {
	let shift = 0
	for (const { aStart, aEnd, bEnd } of hunks) {
		if (at <= aStart && !(at === aStart && aStart === aEnd)) break
		if (at < aEnd || at === aStart) return bEnd
		shift = bEnd - aEnd
	}
	return at + shift
}
