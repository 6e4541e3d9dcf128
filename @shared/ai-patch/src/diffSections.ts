import { AppError } from '@shared/contracts'

/** The part of a git diff that is about one file. */
export interface DiffSection {
	/** Everything before the first `@@`. */
	header: string
	/** From the `index` line (--full-index); null where git writes none, because the content did not change. */
	blobs: { old: string; new: string } | null
	/** git gives no lines: "Binary files differ" or "GIT binary patch". */
	isBinary: boolean
	/** From the first `@@`, as bytes: whether they are text is not known yet. Empty if there are none. */
	hunks: Uint8Array
}

const SECTION = new TextEncoder().encode('diff --git ')
const HUNK = new TextEncoder().encode('@@ ')
const NEWLINE = 10

/**
 * The sections of `git diff -p --full-index`, in order. A line of content always begins with ` `, `+`, `-` or `\`, and git quotes
 * names with newlines, so only a header can begin with `diff --git `. Names are left alone: the raw listing has them unquoted.
 */
export function splitSections(diff: Uint8Array): DiffSection[] {
	const starts: number[] = []
	for (let at = 0; at < diff.length; at = nextLine(diff, at)) {
		if (startsWith(diff, at, SECTION)) starts.push(at)
	}
	if (diff.length > 0 && starts[0] !== 0) throw new AppError('PATCH_CORRUPT', 'The diff does not begin with "diff --git". Make it again.')
	return starts.map((start, index) => parseSection(diff.subarray(start, starts[index + 1] ?? diff.length)))
}

function parseSection(section: Uint8Array): DiffSection {
	let body = 0
	while (body < section.length && !startsWith(section, body, HUNK)) body = nextLine(section, body)
	const header = new TextDecoder().decode(section.subarray(0, body))
	const index = /^index ([0-9a-f]{40})\.\.([0-9a-f]{40})(?: [0-7]{6})?$/m.exec(header)
	const [, old = '', result = ''] = index ?? []
	return {
		header,
		blobs: index === null ? null : { old, new: result },
		isBinary: /^(?:GIT binary patch|Binary files .* differ)$/m.test(header),
		hunks: section.subarray(body),
	}
}

function nextLine(bytes: Uint8Array, from: number): number {
	const newline = bytes.indexOf(NEWLINE, from)
	return newline === -1 ? bytes.length : newline + 1
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
	return prefix.every((byte, index) => bytes[at + index] === byte)
}
