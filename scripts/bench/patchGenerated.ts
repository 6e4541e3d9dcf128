import { createRandom, type Random } from '@shared/ai-patch/testing/random'
import type { Corpus, PatchCase } from './patchCase.ts'

const VERBS = ['read', 'write', 'find', 'make', 'check', 'send', 'merge', 'close'] as const
const NOUNS = ['order', 'task', 'patch', 'lease', 'file', 'branch', 'token', 'event'] as const

/** A source file as the blocks it is made of: a blank line, a head, some statements, a closing brace. Much in it repeats, as in real code. */
type Block = string[]

/** Cases whose right result is known from how they are made: patch and drift change blocks that are at least two apart. */
export function generatedDrift(seed: number, count: number): Corpus {
	const random = createRandom(seed)
	const cases = Array.from({ length: count }, (_, index): PatchCase => {
		const blocks = makeFile(random)
		const [ours, theirs] = [new Map<number, Block[]>(), new Map<number, Block[]>()]
		for (let edits = 1 + random.below(3); edits > 0; edits -= 1) editBlock(random, blocks, { own: ours, other: theirs })
		for (let edits = 1 + random.below(4); edits > 0; edits -= 1) editBlock(random, blocks, { own: theirs, other: ours })
		const render = (...edits: Map<number, Block[]>[]) => blocks.flatMap((block, at) => edits.find((edit) => edit.has(at))?.get(at) ?? [block]).flat().join('')
		return { name: `generated ${seed}.${index}`, base: render(), target: render(ours), current: render(theirs), truth: render(ours, theirs) }
	})
	return { name: 'drift, generated', about: 'patch and drift edit, add and delete functions at least two apart; the result is known from the making', cases }
}

/** Cases in which patch and drift do different things to one place. */
export function generatedConflicts(seed: number, count: number): Corpus {
	const random = createRandom(seed)
	const cases = Array.from({ length: count }, (_, index): PatchCase => {
		const blocks = makeFile(random)
		const at = 1 + random.below(blocks.length - 2)
		const line = 2 + random.below((blocks[at]?.length ?? 4) - 3)
		const contest = random.pick([
			() => [changeLine(blocks[at] ?? [], line, 'ours'), changeLine(blocks[at] ?? [], line, 'theirs')],
			() => [[], changeLine(blocks[at] ?? [], line, 'theirs')],
			() => [insertLine(blocks[at] ?? [], line, 'ours'), insertLine(blocks[at] ?? [], line, 'theirs')],
		])
		const [ours = [], theirs = []] = contest()
		const render = (changed: Block) => blocks.map((block, index_) => (index_ === at ? changed : block)).flat().join('')
		return { name: `conflict ${seed}.${index}`, base: render(blocks[at] ?? []), target: render(ours), current: render(theirs), truth: null }
	})
	return { name: 'conflict, generated', about: 'patch and drift change one line, or insert at one place, in different ways, or one deletes what the other edits', cases }
}

function makeFile(random: Random): Block[] {
	const imports = Array.from({ length: 3 + random.below(10) }, (_, index) => `import { ${random.pick(VERBS)}${index} } from './${random.pick(NOUNS)}.ts'\n`)
	return [imports, ...Array.from({ length: 20 + random.below(40) }, () => makeFunction(random))]
}

function makeFunction(random: Random): Block {
	const name = `${random.pick(VERBS)}${random.pick(NOUNS)}${random.below(1000)}`
	const statements = Array.from({ length: 2 + random.below(12) }, () => statement(random)).flat()
	return ['\n', `export function ${name}(${random.pick(NOUNS)}: string): void {\n`, ...statements, '}\n']
}

function statement(random: Random): string[] {
	const call = `${random.pick(VERBS)}(${random.pick(NOUNS)}${random.pick(['', '.id', `, ${random.below(9)}`])})`
	return random.pick([[`\t${call}\n`], [`\t${call}\n`], ['\treturn\n'], [`\tif (${call}) {\n`, '\t\treturn\n', '\t}\n'], ['\n', `\tconst ${random.pick(NOUNS)} = ${call}\n`]])
}

function editBlock(random: Random, blocks: readonly Block[], edits: { own: Map<number, Block[]>; other: Map<number, Block[]> }): void {
	const free = [...blocks.keys()].filter((at) => !edits.own.has(at) && ![at - 2, at - 1, at, at + 1, at + 2].some((near) => edits.other.has(near)))
	const at = free[random.below(free.length)]
	if (at === undefined) return
	const block = blocks[at] ?? []
	const line = Math.min(block.length - 1, 1 + random.below(block.length))
	const edit = random.pick([
		() => [changeLine(block, line, `edit${random.below(1000)}`)],
		() => [insertLine(block, line, `edit${random.below(1000)}`)],
		() => [[...block.slice(0, line), ...statement(random), ...block.slice(line)]],
		() => [block, makeFunction(random)],
		() => [makeFunction(random), block],
		() => (at === 0 ? [insertLine(block, line, 'added')] : []),
	])
	edits.own.set(at, edit())
}

function changeLine(block: Block, at: number, word: string): Block {
	return block.map((line, index) => (index === at ? `${line.trimEnd()} // ${word}\n` : line))
}

function insertLine(block: Block, at: number, word: string): Block {
	return [...block.slice(0, at), `\t${word}()\n`, ...block.slice(at)]
}
