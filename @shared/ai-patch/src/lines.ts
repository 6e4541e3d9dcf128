/**
 * A line is text up to and including `\n`, and nothing else ends one: `\r`, form feed and U+2028 are content.
 * The last line may lack its `\n`; the empty text has no lines. `joinLines(splitLines(t)) === t` for every text.
 */
export function splitLines(text: string): string[] {
	const lines: string[] = []
	let from = 0
	while (from < text.length) {
		const newline = text.indexOf('\n', from)
		const to = newline === -1 ? text.length : newline + 1
		lines.push(text.slice(from, to))
		from = to
	}
	return lines
}

export function joinLines(lines: readonly string[]): string {
	return lines.join('')
}

export function countLines(text: string): number {
	let count = 0
	for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1
	return text === '' || text.endsWith('\n') ? count : count + 1
}
