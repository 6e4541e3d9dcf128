import { AppError, type FileChange, type PatchSet } from '@shared/contracts'
import { parentDirectories } from '../checkPatchSet.ts'
import { countLines } from '../lines.ts'
import type { Hunk } from '../merge/readings.ts'
import { decodeText } from '../text.ts'
import { type Entry, entriesOf, isSettled, pathsOf, sharedPath, wholeKind } from './rules.ts'
import { meetings, type Span, spansOf } from './spans.ts'
import { hunksBetween, translate } from './translate.ts'

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

/** A list that nobody reads would not fit in memory either: the collisions grow with the square of the sets. */
const MAX_COLLISIONS = 10_000
const MAX_RANGES = 1_000_000
/** Bases that are compared with each other, by pairs; beyond, they count as bases that nobody knows. */
const MAX_COMPARED_BASES = 1_000
/** Spans that are looked at for edits of different bases, which are compared by pairs. */
const MAX_COMPARED_SPANS = 20_000_000

/**
 * Which of the sets of one workspace will be in each other's way, before any of them lands; pairs in the order of the list. The same
 * change in both is no collision, nor is a set that was made on the result of the other. Throws what `checkPatchSet` throws, and
 * PATCH_TOO_LARGE for more than 10,000 collisions: nothing is left out of the list.
 */
export async function forecastCollisions(sets: readonly PatchSet[], options: ForecastOptions = {}): Promise<Collision[]> {
	const entries = sets.flatMap(entriesOf)
	const found = createFindings()
	const bases = createBases(options)
	for (const [path, touching] of byPath(entries)) await meetAt(path, touching, { found, bases })
	blockDirectories(entries, found)
	return found.list()
}

type Findings = ReturnType<typeof createFindings>

function createFindings() {
	const collisions = new Map<string, Collision & { at: [Entry, Entry] }>()
	let rangeCount = 0
	let comparedCount = 0

	const add = (one: Entry, other: Entry, found: Pick<Collision, 'file' | 'kind' | 'isCertain'>): Collision => {
		const at: [Entry, Entry] = one.set < other.set ? [one, other] : [other, one]
		const key = `${at[0].set}.${at[0].index}.${at[1].set}.${at[1].index}`
		const known = collisions.get(key)
		if (known !== undefined) return known
		const collision = { at, patchSetIds: [at[0].id, at[1].id] as [string, string], ranges: [], ...found }
		collisions.set(key, collision)
		if (collisions.size > MAX_COLLISIONS) throw tooMany('pairs')
		return collision
	}

	return {
		add,
		addRange(collision: Collision, { start, end }: Span) {
			collision.ranges.push({ start: start + 1, end })
			rangeCount += 1
			if (rangeCount > MAX_RANGES) throw tooMany('places')
		},
		spend(spans: number) {
			comparedCount += spans
			if (comparedCount > MAX_COMPARED_SPANS) throw tooMany('places')
		},
		list(): Collision[] {
			const inOrder = [...collisions.values()].sort(({ at: a }, { at: b }) => a[1].set - b[1].set || a[1].index - b[1].index || a[0].set - b[0].set || a[0].index - b[0].index)
			return inOrder.map(({ at: _, ...collision }) => collision)
		},
	}
}

function tooMany(what: string): AppError {
	return new AppError('PATCH_TOO_LARGE', `The patch sets meet in too many ${what} to list them all. Ask about fewer of them at a time.`)
}

function byPath(entries: readonly Entry[]): Map<string, Entry[]> {
	const found = new Map<string, Entry[]>()
	for (const entry of entries) {
		for (const path of pathsOf(entry.file)) {
			const known = found.get(path)
			if (known === undefined) found.set(path, [entry])
			else known.push(entry)
		}
	}
	return found
}

interface Context {
	found: Findings
	bases: Bases
}

/** Edits of one base are compared all at once, everything else by pairs. */
async function meetAt(path: string, touching: readonly Entry[], context: Context): Promise<void> {
	const groups = [...Map.groupBy(touching, ({ file }) => (file.change === 'modify' ? file.base_blob : null))]
	for (const [position, [blob, group]] of groups.entries()) {
		if (blob === null) meetWhole(path, [group, group], context)
		else await meetLines(group, context)
		for (const [, others] of groups.slice(position + 1)) {
			const isLines = blob !== null && others[0]?.file.change === 'modify'
			if (isLines) await meetAcross([group, others], context)
			else meetWhole(path, [group, others], context)
		}
	}
}

function meetWhole(path: string, [group, others]: readonly [readonly Entry[], readonly Entry[]], { found }: Context): void {
	for (const [position, one] of group.entries()) {
		for (const other of group === others ? group.slice(position + 1) : others) {
			if (one.set === other.set || sharedPath(one.file, other.file) !== path || isSettled(one.file, other.file)) continue
			const kind = wholeKind(one.file, other.file)
			if (kind !== null && kind !== 'lines') found.add(one, other, { file: path, kind, isCertain: true })
		}
	}
}

/** Edits of one base. */
async function meetLines(group: readonly Entry[], { found, bases }: Context): Promise<void> {
	if (group.length < 2) return
	const spans: Span[][] = []
	for (const entry of group) spans.push(await bases.spansOf(entry))
	note(group, spans, found)
}

/** Edits of two bases. */
async function meetAcross([group, others]: readonly [readonly Entry[], readonly Entry[]], { found, bases }: Context): Promise<void> {
	for (const one of group) {
		for (const other of others) {
			if (one.set === other.set || isSettled(one.file, other.file)) continue
			const [first, second] = one.set < other.set ? [one, other] : [other, one]
			const [spans, otherSpans] = [await bases.spansOf(first), await bases.spansOf(second)]
			found.spend(spans.length + otherSpans.length)
			const hunks = await bases.between(second.file.base_blob ?? '', first.file.base_blob ?? '')
			if (hunks !== null) {
				note([first, second], [spans, translate(otherSpans, hunks)], found)
				continue
			}
			const collision = found.add(first, second, { file: first.file.path, kind: 'overlap', isCertain: false })
			for (const span of spans) found.addRange(collision, span)
		}
	}
}

function note(group: readonly Entry[], spans: readonly (readonly Span[])[], found: Findings): void {
	for (const { pair, span, isOverlap } of meetings(spans)) {
		const [one, other] = [group[pair[0]], group[pair[1]]]
		if (one === undefined || other === undefined || isSettled(one.file, other.file)) continue
		const collision = found.add(one, other, { file: one.file.path, kind: 'adjacent', isCertain: true })
		if (isOverlap) collision.kind = 'overlap'
		found.addRange(collision, span)
	}
}

/** A file of one set where the other makes a directory. */
function blockDirectories(entries: readonly Entry[], found: Findings): void {
	const isNew = ({ change }: FileChange) => change === 'create' || change === 'rename'
	const created = Map.groupBy(entries.filter(({ file }) => isNew(file)), ({ file }) => file.path)
	for (const [path, below] of created) {
		for (const parent of parentDirectories(path)) {
			for (const one of created.get(parent) ?? []) {
				for (const other of below) if (one.set !== other.set) found.add(one, other, { file: parent, kind: 'add-add', isCertain: true })
			}
		}
	}
}

type Bases = ReturnType<typeof createBases>

/** What is known of the bases. Contents are read again when they are needed again: kept together they could be large. */
function createBases({ readBlob }: ForecastOptions) {
	const counts = new Map<string, number | undefined>()
	const compared = new Map<string, Hunk[] | null>()
	const spans = new Map<Entry, Span[]>()
	const readText = async (blob: string): Promise<string | null> => {
		const bytes = (await readBlob?.(blob)) ?? null
		return bytes === null ? null : decodeText(bytes)
	}
	const lineCount = async (blob: string): Promise<number | undefined> => {
		if (!counts.has(blob)) {
			const text = await readText(blob)
			counts.set(blob, text === null ? undefined : countLines(text))
		}
		return counts.get(blob)
	}
	return {
		async spansOf(entry: Entry): Promise<Span[]> {
			const known = spans.get(entry)
			if (known !== undefined) return known
			const found = spansOf(entry.operations, await lineCount(entry.file.base_blob ?? ''))
			spans.set(entry, found)
			return found
		},
		/** Null where the texts are not known. */
		async between(from: string, to: string): Promise<Hunk[] | null> {
			const key = `${from} ${to}`
			if (!compared.has(key)) {
				if (compared.size >= MAX_COMPARED_BASES) return null
				const [text, other] = [await readText(from), await readText(to)]
				compared.set(key, text === null || other === null ? null : hunksBetween(text, other))
			}
			return compared.get(key) ?? null
		},
	}
}
