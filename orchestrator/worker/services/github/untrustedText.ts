// Texts of agents and of people who prompt them, on GitHub's pages: they must neither ping anybody, nor close an issue, nor load or
// hide anything.

const CONTROL = /[\0-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const JOINER = '\u200b'

/** Never between the halves of a surrogate pair. */
const cut = (text: string, length: number) => text.slice(0, length).replace(/[\ud800-\udbff]$/, '')

/** The text, or as much of it as fits with a word on the rest. */
export function bounded(text: string, maxLength: number): string {
	const clean = text.toWellFormed().replaceAll('\r\n', '\n').replace(CONTROL, '').trim()
	return clean.length <= maxLength ? clean : `${cut(clean, maxLength)}\n[${clean.length - maxLength} more characters]`
}

/** A block of code: nothing in it is a mention, a keyword, a link or HTML. Its fence is longer than any inside; runs of backticks are cut to 20. */
export function fenced(text: string, maxLength: number): string {
	const body = bounded(text, maxLength).replace(/`{20,}/g, '`'.repeat(20))
	const longest = Math.max(2, ...Array.from(body.matchAll(/`+/g), ([run]) => run.length))
	const fence = '`'.repeat(longest + 1)
	return `${fence}text\n${body}\n${fence}`
}

/** Code within a line, safe in a cell of a table too. */
export function inlineCode(text: string, maxLength = 100): string {
	const clean = bounded(text, maxLength).replace(/[`|\\\s]+/g, ' ').trim()
	return clean === '' ? '-' : `\`${clean}\``
}

/** Mentions, references and addresses, broken by a character that nobody sees: what stays is text that notifies nobody and closes nothing. */
export function harmless(text: string): string {
	return text
		.replace(/@(?=\w)/g, `@${JOINER}`)
		.replace(/#(?=\d)/g, `#${JOINER}`)
		.replace(/\bGH-(?=\d)/gi, (found) => found + JOINER)
		.replace(/:\/\//g, `:${JOINER}//`)
}

/** One line for a title, which may become the subject of a commit. */
export function plainLine(text: string, maxLength: number): string {
	const line = text.toWellFormed().replace(/\s+/g, ' ').replace(CONTROL, '').trim()
	return harmless(line.length <= maxLength ? line : `${cut(line, maxLength - 1)}…`)
}
