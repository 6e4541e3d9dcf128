/** A file of a tree: its text, or its bytes or mode spelled out. */
export type Content = string | { text: string; mode: string } | { base64: string; mode?: string }

/**
 * One case as written by hand. Blob ids that a file does not give are those of the base and of the expected result;
 * `result` names the content that a refused set claims to reach.
 */
export interface VectorCase {
	name: string
	base: Record<string, Content>
	files: {
		path: string
		change: string
		from?: string
		mode?: string
		base_blob?: string | null
		result_blob?: string | null
		result?: Content
	}[]
	patches: Record<string, unknown>[]
	/** The whole tree afterwards, or the error code with details.rule where there is one. */
	expect: { files: Record<string, Content> } | { error: string; rule?: string }
}

export function content(file: Content): { bytes: Uint8Array; json: Record<string, string> } {
	if (typeof file === 'string') return { bytes: new TextEncoder().encode(file), json: { text: file, mode: '100644' } }
	if ('text' in file) return { bytes: new TextEncoder().encode(file.text), json: { ...file } }
	return { bytes: Uint8Array.from(atob(file.base64), (char) => char.charCodeAt(0)), json: { mode: '100644', ...file } }
}

/** An operation on one file. */
export const replace = (file: string, span: readonly [start: number, end: number], block: string) => ({
	file,
	operation: 'replace-block',
	start: span[0],
	end: span[1],
	block,
})
export const before = (file: string, line: number, block: string) => ({ file, operation: 'insert-before', line, block })
export const after = (file: string, line: number, block: string) => ({ file, operation: 'insert-after', line, block })
export const append = (file: string, block: string) => ({ file, operation: 'append', block })
