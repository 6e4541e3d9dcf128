// For tests only: a tree, what a branch made of it meanwhile, and what an agent made of it, from a seed.

export interface TreeFile {
	content: string
	mode: '100644' | '100755'
}

export type Tree = Map<string, TreeFile>

export interface Drift {
	base: Tree
	/** The branch's. */
	ours: Tree
	/** The agent's. */
	theirs: Tree
}

const STEMS = ['plain', 'with space', 'quo"te', 'tab\there', 'new\nline', 'back\\slash', 'é', 'deep/er/x', '-dash', '[a]*', 'b/n']
const ODD_LINES = ['', '}', '\t', 'a\r', 'é\u2028', '--- a', '+++ b', '@@ -1 +1 @@', '\\ No newline at end of file']

const AGENT_FATES = ['keep', 'edit', 'edit', 'edit', 'delete', 'rename', 'rename-edit', 'mode', 'mode-edit', 'to-directory'] as const
const BRANCH_FATES = [...AGENT_FATES, 'keep', 'edit', 'same', 'same-and-edit', 'binary', 'take-target', 'empty'] as const
type Fate = (typeof BRANCH_FATES)[number]

/** The seed decides everything (a linear congruential generator; its high bits are the good ones). */
function createRandom(seed: number) {
	let state = (seed * 2_654_435_761 + 12_345) >>> 0
	const next = (): number => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
		return state / 2 ** 32
	}
	const below = (limit: number): number => Math.floor(next() * limit)
	const pick = <T>(values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0]
	return { below, pick, chance: (probability: number): boolean => next() < probability }
}

type Random = ReturnType<typeof createRandom>

export function makeDrift(seed: number): Drift {
	const random = createRandom(seed)
	const drift: Drift = { base: new Map(), ours: new Map(), theirs: new Map() }
	const count = 1 + random.below(4)
	for (let index = 0; index < count; index += 1) {
		const path = `${STEMS[random.below(STEMS.length)] ?? 'plain'}${index}`
		if (random.chance(0.2)) addNew(random, drift, path)
		else addKnown(random, drift, path)
	}
	// What became the file of a directory's name has taken the directory's place.
	for (const path of drift.ours.keys()) if (isBelowAnother(path, drift.ours)) drift.ours.delete(path)
	return drift
}

function isBelowAnother(path: string, tree: Tree): boolean {
	return [...tree.keys()].some((other) => path.startsWith(`${other}/`))
}

/** A file that the base does not have. */
function addNew(random: Random, { ours, theirs }: Drift, path: string): void {
	const made: TreeFile = { content: makeText(random, ''), mode: pickMode(random) }
	theirs.set(path, made)
	const answer = random.below(8)
	if (answer === 0) ours.set(path, made)
	if (answer === 1) ours.set(path, { ...made, mode: made.mode === '100644' ? '100755' : '100644' })
	if (answer === 2) ours.set(path, { content: makeText(random, ''), mode: made.mode })
	if (answer === 3) ours.set(`${path}/below`, made)
	if (answer === 4 && path.includes('/')) ours.set(path.slice(0, path.indexOf('/')), made)
}

function addKnown(random: Random, { base, ours, theirs }: Drift, path: string): void {
	const file: TreeFile = { content: makeText(random, path), mode: pickMode(random) }
	base.set(path, file)
	const agents = change(random, { path, file }, random.pick(AGENT_FATES))
	for (const [name, made] of agents) theirs.set(name, made)
	const fate = random.chance(0.25) ? 'keep' : random.pick(BRANCH_FATES)
	for (const [name, made] of branchChange(random, { path, file, agents }, fate)) ours.set(name, made)
}

interface Known {
	path: string
	file: TreeFile
}

function branchChange(random: Random, known: Known & { agents: Tree }, fate: Fate): Tree {
	const { path, file, agents } = known
	if (fate === 'same' || fate === 'same-and-edit') {
		const isMore = fate === 'same-and-edit'
		return new Map([...agents].map(([name, made]) => [name, isMore ? { ...made, content: edit(random, made.content) } : made]))
	}
	if (fate === 'binary') return new Map([[path, { ...file, content: `${file.content}\0` }]])
	if (fate === 'empty') return new Map([[path, { ...file, content: '' }]])
	if (fate === 'take-target') return new Map([[path, file], [`to/${path}`, { ...file, content: 'taken\n' }]])
	return change(random, known, fate)
}

/** What becomes of one file. */
function change(random: Random, { path, file }: Known, fate: Fate): Tree {
	const other = file.mode === '100644' ? '100755' : '100644'
	const edited = (): TreeFile => ({ ...file, content: edit(random, file.content) })
	switch (fate) {
		case 'edit':
			return new Map([[path, edited()]])
		case 'delete':
			return new Map()
		case 'rename':
			return new Map([[`to/${path}`, { ...file, mode: random.chance(0.2) ? other : file.mode }]])
		case 'rename-edit':
			return new Map([[`to/${path}`, edited()]])
		case 'mode':
			return new Map([[path, { ...file, mode: other }]])
		case 'mode-edit':
			return new Map([[path, { ...edited(), mode: other }]])
		case 'to-directory':
			return new Map([[`${path}/below`, { content: makeText(random, ''), mode: file.mode }]])
		default:
			return new Map([[path, file]])
	}
}

const pickMode = (random: Random): TreeFile['mode'] => random.pick(['100644', '100644', '100755'])

/** With a mark, long enough to be known again after a rename. */
function makeText(random: Random, mark: string): string {
	const known = mark === '' ? [] : Array.from({ length: 10 }, (_, line) => `${JSON.stringify(mark)} ${line}`)
	const more = Array.from({ length: random.below(20) }, () => makeLine(random))
	const text = [...known, ...more].map((line) => `${line}\n`).join('')
	return random.chance(0.15) ? text.replace(/\n$/, '') : text
}

function makeLine(random: Random): string {
	return random.chance(0.3) ? (ODD_LINES[random.below(ODD_LINES.length)] ?? '') : `line ${random.below(12)}`
}

function edit(random: Random, text: string): string {
	const lines = text.split(/(?<=\n)/)
	const edits = 1 + random.below(3)
	for (let count = 0; count < edits; count += 1) {
		const added = Array.from({ length: random.below(3) }, () => `${makeLine(random)}\n`)
		lines.splice(random.below(lines.length + 1), random.below(3), ...added)
	}
	return lines.join('')
}
