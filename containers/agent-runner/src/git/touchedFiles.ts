import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tryGit } from './git.ts'
import type { WorkTree } from './workTree.ts'

/** Lines of the base, 1-based and inclusive; `end` is `start - 1` where something is only inserted. */
export type TouchedRange = [start: number, end: number]

export interface TouchedFile {
	path: string
	/** Empty where only the mode differs. */
	ranges: TouchedRange[]
}

const MAX_FILES = 500
const MAX_RANGES = 100
/** In JSON: the list goes out with a heartbeat, which must get through. */
const MAX_CHARACTERS = 48 * 1024
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
const TIMEOUT_MS = 5000

/** A new file, or one whose content is no text. */
const WHOLE: TouchedRange = [1, 0]

// Plumbing: it neither refreshes nor locks an index. With ordinary prefixes, whatever the configuration says.
const DIFF_ARGS = [
	...['diff-index', '--patch', '--unified=0', '--inter-hunk-context=0', '--no-renames', '--no-color', '--no-ext-diff', '--no-textconv'],
	...['--src-prefix=a/', '--dst-prefix=b/', '--no-relative', '--ignore-submodules=all'],
]
const UNTRACKED_ARGS = ['ls-files', '--others', '--exclude-standard', '-z']

/**
 * Looks again and again at what has changed in the tree of a running program. It reads the tree only, with the lowest priority and
 * an index of its own. Null when this time nothing can be said: the program may be in the middle of something.
 */
export function createTouchedFiles({ gitDir, directory, baseCommit }: WorkTree): (signal: AbortSignal) => Promise<TouchedFile[] | null> {
	const indexFile = join(gitDir, 'touched-index')
	let copied: Promise<void> | undefined
	return async (signal) => {
		copied ??= copyFile(join(gitDir, 'index'), indexFile)
		await copied
		const request = { gitDir, workTree: directory, indexFile, prefix: ['nice', '-n', '19'], timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_OUTPUT_BYTES, signal }
		const diff = await tryGit([...DIFF_ARGS, baseCommit], request)
		if (diff.exitCode !== 0) return null
		const untracked = await tryGit(UNTRACKED_ARGS, request)
		if (untracked.exitCode !== 0) return null
		return bounded(touchedInDiff(diff.stdout.toString('utf8')), untracked.stdout.toString('utf8').split('\0'))
	}
}

/** The files of a diff that git made with `--no-renames` and without `-z`. */
export function touchedInDiff(diff: string): TouchedFile[] {
	const files = new Map<string, TouchedFile>()
	let file: TouchedFile | undefined
	const add = (range: TouchedRange | null): void => {
		if (file === undefined) return
		files.set(file.path, file)
		if (range && file.ranges.length < MAX_RANGES) file.ranges.push(range)
	}
	// A line of content begins with one of "+-\ ", so it cannot be taken for a header.
	for (const line of diff.split('\n')) {
		if (line.startsWith('diff --git ')) {
			const path = pathOf(line)
			// A file that became a link comes twice; one whose times changed alone has nothing but this line.
			file = files.get(path) ?? { path, ranges: [] }
		} else if (line.startsWith('@@ ')) add(rangeOf(line))
		else if (line.startsWith('new mode ')) add(null)
		else if (line.startsWith('Binary files ')) add([...WHOLE])
		else if (line.startsWith('deleted file mode ')) add(null)
	}
	return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Both names are the same, so each is half of the line. */
function pathOf(header: string): string {
	const names = header.slice('diff --git '.length)
	return unquoted(names.slice(0, (names.length - 1) / 2)).slice('a/'.length)
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** A name as git writes it: in quotes with C escapes, of which the octal ones are bytes of UTF-8. */
function unquoted(name: string): string {
	if (!name.startsWith('"')) return name
	const bytes = name.slice(1, -1).replace(/\\([0-7]{3}|.)/g, (_, escape: string) => (escape.length === 3 ? String.fromCharCode(Number.parseInt(escape, 8)) : (ESCAPES[escape] ?? escape)))
	return Buffer.from(bytes, 'latin1').toString('utf8')
}

function rangeOf(header: string): TouchedRange | null {
	const [, start, count = '1'] = /^@@ -(\d+)(?:,(\d+))? /.exec(header) ?? []
	if (start === undefined) return null
	// An insertion stands after line `start`.
	return Number(count) === 0 ? [Number(start) + 1, Number(start)] : [Number(start), Number(start) + Number(count) - 1]
}

function bounded(changed: readonly TouchedFile[], untracked: readonly string[]): TouchedFile[] {
	// A name that ends with a slash is a repository inside of the tree.
	const created = untracked.filter((path) => path !== '' && !path.endsWith('/')).map((path): TouchedFile => ({ path, ranges: [[...WHOLE]] }))
	const files: TouchedFile[] = []
	let size = 0
	for (const file of [...changed, ...created]) {
		size += JSON.stringify(file).length + 1
		if (files.length === MAX_FILES || size > MAX_CHARACTERS) break
		files.push(file)
	}
	return files
}
