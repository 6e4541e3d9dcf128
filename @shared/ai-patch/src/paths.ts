import { AppError } from '@shared/contracts'
import { encodeText } from './text.ts'

/** Why a path may not be written, see `pathProblem`. */
export type PathRule =
	| 'path-encoding'
	| 'path-absolute'
	| 'path-empty-segment'
	| 'path-dot-segment'
	| 'path-escape'
	| 'path-git-directory'
	| 'path-too-long'

// No file system that a workspace is checked out on takes more.
const MAX_SEGMENT_BYTES = 255
const MAX_SEGMENTS = 128

// Code points that HFS+ leaves out when it compares names, so that `.g<U+200C>it` opens `.git` there.
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/**
 * The rule that a workspace path breaks, or null. A path is POSIX, relative, of non-empty segments. A backslash, a tab, a
 * newline or a quote is an ordinary character of a name, but since a checkout on Windows reads a backslash as a separator,
 * nothing between backslashes may be `..` or a spelling of `.git` either.
 */
export function pathProblem(path: string): PathRule | null {
	if (!path.isWellFormed() || path.includes('\0')) return 'path-encoding'
	if (/^(?:[/\\]|[A-Za-z]:[/\\])/.test(path)) return 'path-absolute'
	const segments = path.split('/')
	if (segments.includes('')) return 'path-empty-segment'
	if (segments.includes('.')) return 'path-dot-segment'
	const pieces = path.split(/[/\\]/)
	if (pieces.includes('..')) return 'path-escape'
	if (pieces.some(isGitDirectory)) return 'path-git-directory'
	if (segments.length > MAX_SEGMENTS || segments.some((name) => encodeText(name).length > MAX_SEGMENT_BYTES)) return 'path-too-long'
	return null
}

/** Throws PATCH_POLICY with the path and the rule it breaks. */
export function checkPath(path: string): void {
	const rule = pathProblem(path)
	if (rule === null) return
	throw new AppError('PATCH_POLICY', `The path ${JSON.stringify(path)} may not be written (${rule}). Name a file inside the workspace.`, {
		rule,
		path,
	})
}

/** Every spelling that some file system opens as `.git`: any case, NTFS short name, streams, trailing dots or spaces, HFS+ ignorables. */
function isGitDirectory(name: string): boolean {
	const [beforeStream = ''] = name.split(':')
	const plain = beforeStream.replace(HFS_IGNORED, '').replace(/[ .]+$/, '').toLowerCase()
	return plain === '.git' || plain === 'git~1'
}
