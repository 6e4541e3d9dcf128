// For tests only: pairs of trees that a careless agent might make.
import fc from 'fast-check'
import type { Tree, TreeFile } from './gitRepository.ts'

const TRICKY_LINES = [
	'', ' ', '\t', '}', '--- a', '+++ b', '-- a', '++ b', '@@ -1 +1 @@', '@@ -0,0 +1,3 @@ x', 'diff --git a/x b/x', 'index 0000000..1111111',
	'\\ No newline at end of file', 'rename from x', 'Binary files a/x and b/x differ', 'GIT binary patch', 'a\rb', '\r', 'a\u2028b\u2029c',
	'\u0085', 'form\ffeed', '\v', '\u001c', '\ufeff', '\ufffd', 'é', 'e\u0301', '日本', '😀', '===================================================================',
]

const line = fc.oneof(
	{ weight: 3, arbitrary: fc.constantFrom(...TRICKY_LINES) },
	{ weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.replace(/[\n\0]/g, '.')) },
	{ weight: 2, arbitrary: fc.nat(30).map((number) => `line ${number}`) },
)

const ended = fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n')).map((parts) => parts.join(''))

const text = fc
	.tuple(fc.constantFrom('', '', '', '\ufeff'), fc.array(ended, { maxLength: 25 }), fc.oneof(fc.constant(''), line))
	.map(([mark, lines, last]) => mark + lines.join('') + last)

const splice = fc.record({ at: fc.nat(1000), remove: fc.nat(3), add: fc.array(ended, { maxLength: 3 }) })

/** An edit of a text that may also add or drop the final terminator. */
const edit = fc.record({ splices: fc.array(splice, { minLength: 1, maxLength: 4 }), isLastEnded: fc.boolean() })

function applyEdit(before: string, { splices, isLastEnded }: typeof edit extends fc.Arbitrary<infer T> ? T : never): string {
	const lines = before.split(/(?<=\n)/)
	for (const { at, remove, add } of splices) lines.splice(at % (lines.length + 1), remove, ...add)
	const after = lines.join('')
	return isLastEnded ? after : after.replace(/\n$/, '')
}

const mode = fc.constantFrom<TreeFile['mode']>('100644', '100644', '100755')

const stem = fc.constantFrom(
	'plain', 'with space', ' lead', 'trail ', 'quo"te', "apo'strophe", 'tab\there', 'new\nline', 'back\\slash', 'é', 'e\u0301', '日本語', '😀', '-dash',
	'a b/c b/d', 'deep/er/and/deeper/x', '.hidden', '\u0001control', 'b/n', '"quoted"', '@@ -1 +1 @@', '$(x)', '*', '[a]', ':(top)x', '#', '\u007f',
)

const slot = fc.record({
	kind: fc.constantFrom(
		...(['keep', 'modify', 'modify', 'create', 'delete', 'rename', 'rename-edit', 'mode', 'to-directory', 'to-file', 'move-name'] as const),
	),
	stem,
	to: stem,
	text,
	other: text,
	edit,
	mode,
	modeAfter: mode,
})

type Slot = typeof slot extends fc.Arbitrary<infer T> ? T : never

export interface Change {
	before: Tree
	after: Tree
}

/** Up to `slots` files, each under a name of its own, each with a change of its own. */
export function arbitraryChange(slots: number): fc.Arbitrary<Change> {
	return fc.array(slot, { minLength: 1, maxLength: slots, size: 'max' }).map((all) => {
		const change: Change = { before: new Map(), after: new Map() }
		for (const [index, each] of all.entries()) addSlot(change, each, index)
		return change
	})
}

function addSlot({ before, after }: Change, each: Slot, index: number): void {
	const path = `${each.stem}${index}`
	// Long enough to be recognised as the same file after an edit.
	const known = `${Array.from({ length: 12 }, (_, at) => `${index} known ${at}\n`).join('')}${each.text}`
	const old = { content: each.kind.startsWith('rename') ? known : each.text, mode: each.mode }
	const edited = { content: applyEdit(old.content, each.edit), mode: each.modeAfter }
	if (each.kind !== 'create') before.set(each.kind === 'to-file' ? `${path}/inner` : path, old)
	switch (each.kind) {
		case 'keep':
			return void after.set(path, old)
		case 'modify':
			return void after.set(path, edited)
		case 'create':
			return void after.set(path, { content: each.other, mode: each.mode })
		case 'rename':
			return void after.set(`to/${each.to}${index}`, { ...old, mode: each.modeAfter })
		case 'rename-edit':
			return void after.set(`to/${each.to}${index}`, edited)
		case 'mode':
			return void after.set(path, { ...old, mode: each.modeAfter })
		case 'to-directory':
			return void after.set(`${path}/inner`, { content: each.other, mode: each.mode })
		case 'to-file':
			return void after.set(path, { content: each.other, mode: each.mode })
		case 'move-name':
			return void after.set(`elsewhere${index}/${each.stem}`, { content: each.other, mode: each.mode })
		case 'delete':
	}
}
