import { encodeText } from './text.ts'

const ESCAPES: Record<string, string> = {
	'\x07': '\\a',
	'\b': '\\b',
	'\t': '\\t',
	'\n': '\\n',
	'\v': '\\v',
	'\f': '\\f',
	'\r': '\\r',
	'"': '\\"',
	'\\': '\\\\',
}

/** A path as git writes it in a diff header: bare if that is unambiguous, else in quotes with C escapes and octal bytes. */
export function quotePath(path: string): string {
	if (/^[\x20-\x7e]*$/.test(path) && !/["\\]/.test(path)) return path
	let quoted = ''
	for (const byte of encodeText(path)) {
		const char = String.fromCharCode(byte)
		quoted += ESCAPES[char] ?? (byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : char)
	}
	return `"${quoted}"`
}
