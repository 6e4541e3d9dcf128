/**
 * Whether a path fits a pattern: `*` is anything but a slash, `**` anything, `?` one character, all else itself. Letters match in both
 * cases, because some file systems do not tell them apart. A table of what fits so far, so no pattern is slow.
 */
export function matchesGlob(pattern: string, path: string): boolean {
	const tokens = tokensOf(pattern.toLowerCase())
	const text = path.toLowerCase()
	const [first, last] = [tokens.findIndex(isWild), tokens.findLastIndex(isWild)]
	if (first === -1) return tokens.join('') === text
	// Nearly every path is none of nearly every pattern, and is told apart by an end of it.
	if (!text.startsWith(tokens.slice(0, first).join('')) || !text.endsWith(tokens.slice(last + 1).join(''))) return false
	// fits[j]: the tokens read so far fit the first j characters.
	let fits = Array.from({ length: text.length + 1 }, () => false)
	fits[0] = true
	for (const token of tokens) {
		const next = fits.map(() => false)
		let hasFitted = false
		for (let at = 0; at <= text.length; at += 1) {
			if (token === '**/') next[at] = Boolean(fits[at]) || (text[at - 1] === '/' && hasFitted)
			else if (token === '**' || token === '*') next[at] = Boolean(fits[at]) || (at > 0 && Boolean(next[at - 1]) && (token === '**' || text[at - 1] !== '/'))
			else if (at > 0) next[at] = Boolean(fits[at - 1]) && (token === '?' ? text[at - 1] !== '/' : token === text[at - 1])
			hasFitted ||= Boolean(fits[at])
		}
		fits = next
	}
	return fits[text.length] === true
}

/** `**` followed by a slash also stands for no directory at all. */
function tokensOf(pattern: string): string[] {
	return pattern.match(/\*\*\/|\*\*|[^]/g) ?? []
}

const isWild = (token: string) => token === '**/' || token === '**' || token === '*' || token === '?'
