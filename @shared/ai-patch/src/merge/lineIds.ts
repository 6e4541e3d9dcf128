/** Numbers for lines: equal lines have equal numbers, in every text that was given to the same table. */
export interface LineIds {
	of(lines: readonly string[]): Int32Array
}

export function createLineIds(): LineIds {
	const ids = new Map<string, number>()
	return {
		of(lines) {
			const numbered = new Int32Array(lines.length)
			for (let at = 0; at < lines.length; at += 1) {
				const line = lines[at] ?? ''
				let id = ids.get(line)
				if (id === undefined) {
					id = ids.size
					ids.set(line, id)
				}
				numbered[at] = id
			}
			return numbered
		},
	}
}
