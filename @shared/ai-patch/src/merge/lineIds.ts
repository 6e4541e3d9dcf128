/** Numbers for lines: equal lines have equal numbers, in every text that was given to the same table. */
export interface LineIds {
	/** `alike`: a text with much in common, numbered before by this table. */
	of(lines: readonly string[], alike?: NumberedLines): Int32Array
}

export interface NumberedLines {
	lines: readonly string[]
	ids: Int32Array
}

export function createLineIds(): LineIds {
	const table = new Map<string, number>()
	return {
		of(lines, alike = { lines: [], ids: new Int32Array() }) {
			const numbered = new Int32Array(lines.length)
			// To compare two lines takes less than to look one up, and most of a text is where it was.
			const { head, tail } = common(lines, alike.lines)
			numbered.set(alike.ids.subarray(0, head))
			numbered.set(alike.ids.subarray(alike.ids.length - tail), lines.length - tail)
			for (let at = head; at < lines.length - tail; at += 1) {
				const line = lines[at] ?? ''
				let id = table.get(line)
				if (id === undefined) {
					id = table.size
					table.set(line, id)
				}
				numbered[at] = id
			}
			return numbered
		},
	}
}

function common(a: readonly string[], b: readonly string[]): { head: number; tail: number } {
	const most = Math.min(a.length, b.length)
	let [head, tail] = [0, 0]
	while (head < most && a[head] === b[head]) head += 1
	while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1
	return { head, tail }
}
