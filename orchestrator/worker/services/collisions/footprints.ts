import { pathProblem } from '@shared/ai-patch'
import type { AIPatch, LineSpan, PatchSet, ScopeEntry, TouchedFiles } from '@shared/contracts'
import { MAX_LINE, normaliseSpans } from './lineSpans.ts'

/** Files beyond these are left out: work that touches so many is in everybody's way, and no list of it helps. */
export const MAX_FILES = 500
const MAX_PROMPT_CHARS = 20_000
const MAX_PROMPT_PATHS = 20

/** What a piece of work touches in one file, in lines of its base; no ranges stand for the whole file. */
export interface Footprint {
	path: string
	ranges: LineSpan[]
}

/** A pattern says where a task may go, not where it will: it leaves no footprint. */
export function footprintsOfScope(scope: readonly ScopeEntry[]): Footprint[] {
	return collect(scope.filter(({ path }) => !/[*?]/.test(path)).map(({ path, start, end }) => ({ path, ranges: start === undefined || end === undefined ? [] : [[start, end]] })))
}

export function footprintsOfTouched(files: TouchedFiles): Footprint[] {
	return collect(files)
}

/**
 * The lines of the base that a set changes. A new file is the place before line 1; what is deleted or renamed is whole, and a mode
 * has no lines. `lineCounts` by base blob places what is appended; without it, only another append of the kind is near.
 */
export function rangesOfSet(set: PatchSet, lineCounts: ReadonlyMap<string, number> = new Map()): Footprint[] {
	const spans = new Map<string, LineSpan[]>()
	const countOf = new Map(set.files.map(({ path, base_blob }) => [path, lineCounts.get(base_blob ?? '') ?? MAX_LINE]))
	for (const patch of set.patches) {
		const known = spans.get(patch.file)
		const span = spanOf(patch, countOf.get(patch.file) ?? MAX_LINE)
		if (known === undefined) spans.set(patch.file, [span])
		else known.push(span)
	}
	return collect(
		set.files.flatMap(({ path, from, change }): Footprint[] => {
			if (change === 'mode') return []
			if (change === 'create') return [{ path, ranges: [[1, 0]] }]
			if (change === 'modify') return [{ path, ranges: spans.get(path) ?? [] }]
			return [{ path, ranges: [] }, ...(from === undefined ? [] : [{ path: from, ranges: [] }])]
		}),
	)
}

function spanOf(patch: AIPatch, lineCount: number): LineSpan {
	switch (patch.operation) {
		case 'replace-block':
			return [patch.start, Math.max(patch.end, patch.start)]
		case 'insert-before':
			return [patch.line, patch.line - 1]
		case 'insert-after':
			return [patch.line + 1, patch.line]
		case 'append':
			return [lineCount + 1, lineCount]
	}
}

/** Files that a prompt seems to name: a path with a folder and an extension anywhere, a name with an extension in backticks. A guess. */
export function pathsInPrompt(prompt: string): string[] {
	const text = prompt.slice(0, MAX_PROMPT_CHARS)
	const quoted = [...text.matchAll(/`([^`\s]{1,300})`/g)].map(([, name = '']) => name)
	const words = text.split(/[\s`'"()<>[\]{},;|]+/).filter((word) => word.length <= 300 && word.includes('/'))
	const paths = [...quoted, ...words].map((word) => word.replace(/[.:!?]+$/, '').replace(/(?::\d+){1,2}$|#L[\dL-]+$/, '').replace(/^\.\//, ''))
	return [...new Set(paths)].filter((path) => /^[\w@.+/-]+\.[A-Za-z]\w{0,9}$/.test(path) && !path.startsWith('-') && pathProblem(path) === null).slice(0, MAX_PROMPT_PATHS)
}

/** One footprint a path, bounded. A path that may not land is in nobody's way. */
function collect(footprints: readonly Footprint[]): Footprint[] {
	const byPath = new Map<string, LineSpan[] | 'whole'>()
	for (const { path, ranges } of footprints) {
		const known = byPath.get(path)
		if (known === undefined && (byPath.size >= MAX_FILES || pathProblem(path) !== null)) continue
		if (ranges.length === 0) byPath.set(path, 'whole')
		else if (known === undefined) byPath.set(path, [...ranges])
		else if (known !== 'whole') for (const range of ranges) known.push(range)
	}
	return [...byPath].map(([path, ranges]) => ({ path, ranges: ranges === 'whole' ? [] : normaliseSpans(ranges) }))
}
