/** The text in a fence that is longer than every one in it. */
export function fenced(text: string, language = ''): string {
	const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
	const fence = '`'.repeat(longest + 1)
	return `${fence}${language}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`
}
