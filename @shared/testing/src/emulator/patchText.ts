/** The patch language of `apply_patch` tools. It replaces whole lines, so an edit of part of a line needs the line around it. */

/** The lines of `fileText` that contain `old`, before and after the replacement; undefined when `old` is not there. */
export function wholeLines(fileText: string, old: string, replacement: string): { before: string; after: string } | undefined {
	const endsLine = old.endsWith('\n') && replacement.endsWith('\n')
	const target = endsLine ? old.slice(0, -1) : old
	const text = endsLine ? replacement.slice(0, -1) : replacement
	const at = fileText.indexOf(target)
	if (at < 0 || target === '') return undefined
	const start = fileText.lastIndexOf('\n', at - 1) + 1
	const nextBreak = fileText.indexOf('\n', at + target.length)
	const end = nextBreak < 0 ? fileText.length : nextBreak
	const before = fileText.slice(start, end)
	return { before, after: before.slice(0, at - start) + text + before.slice(at - start + target.length) }
}

export function updatePatch(path: string, { before, after }: { before: string; after: string }): string {
	const removed = before.split('\n').map((line) => `-${line}`)
	const added = after.split('\n').map((line) => `+${line}`)
	return ['*** Begin Patch', `*** Update File: ${path}`, '@@', ...removed, ...added, '*** End Patch'].join('\n')
}

/** `content` must end its last line: the patch language cannot say otherwise. */
export function addPatch(path: string, content: string): string {
	const added = content.slice(0, -1).split('\n').map((line) => `+${line}`)
	return ['*** Begin Patch', `*** Add File: ${path}`, ...added, '*** End Patch'].join('\n')
}

export function shellQuote(text: string): string {
	return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Prints the lines of a file that an edit of `old` touches. */
export function readCommand(path: string, old: string): string {
	const [first = '', ...rest] = old.split('\n')
	return first === '' ? `cat -- ${shellQuote(path)}` : `grep -F -A ${rest.length} -e ${shellQuote(first)} -- ${shellQuote(path)}`
}

export function writeCommand(path: string, content: string): string {
	const slash = path.lastIndexOf('/')
	const makeFolder = slash > 0 ? `mkdir -p -- ${shellQuote(path.slice(0, slash))} && ` : ''
	return `${makeFolder}printf %s ${shellQuote(content)} > ${shellQuote(path)}`
}
