import { AppError } from '@shared/contracts'
import type { DiffSection } from './diffSections.ts'
import { decodeText } from './text.ts'

/** What the header of a section says. Ids may be shortened; null where there is no `index` line. */
export interface UnidiffHeader {
	path: string
	from: string
	kind: 'create' | 'delete' | 'rename' | 'copy' | 'change'
	modes: string[]
	newMode: string | undefined
	ids: { old: string; new: string } | null
	isBinary: boolean
}

const FIELDS = ['old mode ', 'new mode ', 'new file mode ', 'deleted file mode ', 'rename from ', 'rename to ', 'copy from ', 'copy to ', '--- ', '+++ ', 'index '] as const
type Field = (typeof FIELDS)[number]

/**
 * The header of a section of `git diff`. Read here and not by jsdiff, which trims names: a file would land under another one. Throws
 * PATCH_CORRUPT for a header that is not git's, or whose lines name different files.
 */
export function readHeader({ header: text, isBinary }: DiffSection): UnidiffHeader {
	const [first = '', ...lines] = text.split('\n')
	const fields = new Map<Field, string>()
	for (const line of lines) {
		const field = FIELDS.find((each) => line.startsWith(each))
		if (field === undefined) continue
		if (fields.has(field)) throw corrupt(first, `its header has two lines "${field.trim()}"`)
		fields.set(field, line.slice(field.length))
	}
	const modes = ['old mode ', 'new mode ', 'new file mode ', 'deleted file mode '] as const
	const ids = /^([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?$/.exec(fields.get('index ') ?? '')
	const [, old = '', result = '', indexMode] = ids ?? []
	return {
		...namesOf(first, fields),
		modes: [...modes.map((field) => fields.get(field)), indexMode].filter((mode) => mode !== undefined),
		newMode: fields.get('new mode ') ?? fields.get('new file mode '),
		ids: ids === null ? null : { old, new: result },
		isBinary,
	}
}

/** The line that only this kind of section has. */
const MARKS = { rename: 'rename from ', copy: 'copy from ', create: 'new file mode ', delete: 'deleted file mode ' } as const

function namesOf(first: string, fields: ReadonlyMap<Field, string>): Pick<UnidiffHeader, 'path' | 'from' | 'kind'> {
	const [kind = 'change', ...others] = (['rename', 'copy', 'create', 'delete'] as const).filter((each) => fields.has(MARKS[each]))
	if (others.length > 0) throw corrupt(first, `it is both a ${kind} and a ${others[0]}`)
	const moved = kind === 'rename' || kind === 'copy'
	const said = (name: string | undefined) => (name === undefined ? null : unquoted(name))
	const same = moved ? null : commonName(first)
	const from = moved ? said(fields.get(`${kind} from `)) : same
	const path = moved ? said(fields.get(`${kind} to `)) : same
	if (from === null || path === null || from === '' || path === '') throw corrupt(first, 'its header does not name one file')
	check(first, fields.get('--- '), kind === 'create' ? null : `a/${from}`)
	check(first, fields.get('+++ '), kind === 'delete' ? null : `b/${path}`)
	return { path, from, kind }
}

/** The name that stands twice in `diff --git a/name b/name`; null where it is not the same. */
function commonName(first: string): string | null {
	const rest = first.slice('diff --git '.length)
	const quoted = /^("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")$/.exec(rest)
	const half = (rest.length - 1) / 2
	const [one, other] = quoted ? [unquoted(quoted[1] ?? ''), unquoted(quoted[2] ?? '')] : [rest.slice(0, half), rest.slice(half + 1)]
	const isCommon = one?.startsWith('a/') && other?.startsWith('b/') && one.slice(2) === other.slice(2)
	return isCommon ? (one?.slice(2) ?? null) : null
}

/** `expected` null stands for `/dev/null`. git puts a tab behind a name with spaces. */
function check(first: string, line: string | undefined, expected: string | null): void {
	if (line === undefined) return
	const name = unquoted(line.replace(/\t$/, ''))
	if (name !== (expected ?? '/dev/null')) throw corrupt(first, `it also names ${JSON.stringify(name ?? line)}`)
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 }

/** A name as git writes it: in quotes, with bytes in octal, where it holds what is not plain. Null for what no git writes. */
function unquoted(name: string): string | null {
	if (!name.startsWith('"')) return name
	const inner = /^"((?:[^"\\]|\\[abtnvfr"\\]|\\[0-3][0-7]{2})*)"$/s.exec(name)?.[1]
	if (inner === undefined) return null
	const encoder = new TextEncoder()
	const bytes = Array.from(inner.matchAll(/\\([0-3][0-7]{2})|\\(.)|[^\\]+/gs), ([plain, octal, escape]) =>
		octal === undefined ? (escape === undefined ? [...encoder.encode(plain)] : [ESCAPES[escape] ?? 0]) : [Number.parseInt(octal, 8)],
	).flat()
	// A name that is not UTF-8 keeps a sign of it, which is refused with its reason.
	return decodeText(new Uint8Array(bytes)) ?? new TextDecoder().decode(new Uint8Array(bytes))
}

function corrupt(first: string, problem: string): AppError {
	const shown = first.slice(0, 200)
	return new AppError('PATCH_CORRUPT', `The section ${JSON.stringify(shown)} of the diff cannot be read: ${problem}. Make the diff again.`, { section: shown, problem })
}
