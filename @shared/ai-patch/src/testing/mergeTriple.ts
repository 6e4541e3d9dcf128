// For tests only: a text and two edits of it, from few and from many different lines, near each other and far apart.
import type { Random } from './random.ts'

export interface MergeTriple {
	base: string
	ours: string
	theirs: string
}

const REPEATED = ['}\n', '\n', '\t}\n', 'end\n'] as const

export function mergeTriple(random: Random, longest: readonly [number, ...number[]]): MergeTriple {
	const variety = random.pick([2, 3, 5, 10, 40, 1000])
	const line = () => {
		if (variety >= 10 && random.chance(0.3)) return random.pick(REPEATED)
		return `line ${random.below(variety)}${random.pick(['', '', '', '', '', '', '', '\r', '\ra'])}\n`
	}
	const lines = Array.from({ length: random.below(random.pick(longest)) }, line)
	const edits = random.pick([2, 5, 5, 12, lines.length > 500 ? 300 : 12])
	const edited = () => dropFinalNewline(random, editLines(random, { lines, line, edits: 1 + random.below(edits) }).join(''))
	return { base: dropFinalNewline(random, lines.join('')), ours: edited(), theirs: edited() }
}

function editLines(random: Random, { lines, line, edits }: { lines: readonly string[]; line: () => string; edits: number }): string[] {
	const after = [...lines]
	for (let count = 0; count < edits; count += 1) {
		const from = random.below(after.length + 1)
		const isCopy = random.chance(0.2)
		const added = isCopy ? after.slice(from, from + random.below(6)) : Array.from({ length: random.below(4) }, line)
		after.splice(random.below(after.length + 1), random.below(3), ...added)
	}
	return after
}

function dropFinalNewline(random: Random, text: string): string {
	return random.chance(0.1) && text.endsWith('\n') ? text.slice(0, -1) : text
}
