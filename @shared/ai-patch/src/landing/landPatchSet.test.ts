import type { AIPatch, FileChange, FileMode, PatchSet } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { blobId } from '../gitObjects.ts'
import { bytesOf, readFrom, type Tree, treeOf } from '../testing/gitRepository.ts'
import { append, modify, patchSet, replaceBlock } from '../testing/patchSet.ts'
import { encodeText } from '../text.ts'
import { landPatchSet, type LandedFile, revertPatchSet } from './landPatchSet.ts'

const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('')
const BASE = lines('1', '2', '3', '4', '5')
const RESULT = lines('1', 'two', '3', '4', '5')
const edit = (file: string) => replaceBlock(file, [2, 2], 'two\n')
const id = async (content: string | Uint8Array) => blobId(typeof content === 'string' ? encodeText(content) : content)

async function setOf(file: Partial<FileChange> & Pick<FileChange, 'path' | 'change'>, contents: { from: string | null; to: string | null }, patches: AIPatch[] = []): Promise<PatchSet> {
	const [base_blob, result_blob] = await Promise.all([contents.from, contents.to].map((text) => (text === null ? null : id(text))))
	return patchSet([{ mode: '100644', base_blob: base_blob ?? null, result_blob: result_blob ?? null, ...file }], patches)
}

const modified = () => setOf({ path: 'f', change: 'modify' }, { from: BASE, to: RESULT }, [edit('f')])
const created = () => setOf({ path: 'f', change: 'create' }, { from: null, to: 'new\n' }, [append('f', 'new\n')])
const deleted = () => setOf({ path: 'f', change: 'delete' }, { from: BASE, to: null })
const renamed = () => setOf({ path: 'g', from: 'f', change: 'rename' }, { from: BASE, to: BASE })
const movedAndEdited = () => setOf({ path: 'g', from: 'f', change: 'rename' }, { from: BASE, to: RESULT }, [edit('g')])

const readMode = (tree: Tree) => async (path: string): Promise<FileMode | null> => tree.get(path)?.mode ?? null
const branch = (base: Tree, current: Tree) => ({ readBase: readFrom(base), readCurrent: readFrom(current), readBaseMode: readMode(base), readCurrentMode: readMode(current) })

/** The tree after the landing. */
function write(tree: Tree, landed: readonly LandedFile[]): Tree {
	const after: Tree = new Map(tree)
	const toWrite = landed.filter(({ landing }) => landing !== 'already-applied')
	for (const { path, from, content } of toWrite) {
		if (from !== undefined) after.delete(from)
		if (content === null) after.delete(path)
	}
	for (const { path, content, mode } of toWrite) if (content !== null) after.set(path, { content, mode })
	return after
}

const plain = (tree: Tree) => Object.fromEntries([...tree].map(([path, file]) => [path, new TextDecoder().decode(bytesOf(file))]))

const LATER = lines('1', '2', '3', '4', 'five')
const BOTH = lines('1', 'two', '3', '4', 'five')
const CONTESTED = lines('1', 'zwei', '3', '4', '5')

describe('landPatchSet', () => {
	const lands: [name: string, set: () => Promise<PatchSet>, base: Record<string, string>, current: Record<string, string>, landing: string, after: Record<string, string>][] = [
		['modify on its base', modified, { f: BASE }, { f: BASE }, 'applied', { f: RESULT }],
		['modify that is there', modified, { f: BASE }, { f: RESULT }, 'already-applied', { f: RESULT }],
		['modify beside later work', modified, { f: BASE }, { f: LATER }, 'merged', { f: BOTH }],
		['modify that is there with more', modified, { f: BASE }, { f: BOTH }, 'merged', { f: BOTH }],
		['create', created, {}, {}, 'applied', { f: 'new\n' }],
		['create what is there', created, {}, { f: 'new\n' }, 'already-applied', { f: 'new\n' }],
		['delete', deleted, { f: BASE }, { f: BASE }, 'applied', {}],
		['delete what is gone', deleted, { f: BASE }, {}, 'already-applied', {}],
		['rename', renamed, { f: BASE }, { f: BASE }, 'applied', { g: BASE }],
		['rename takes later work along', renamed, { f: BASE }, { f: LATER }, 'merged', { g: LATER }],
		['rename that is there', renamed, { f: BASE }, { g: BASE }, 'already-applied', { g: BASE }],
		['rename and edit', movedAndEdited, { f: BASE }, { f: BASE }, 'applied', { g: RESULT }],
		['rename and edit beside later work', movedAndEdited, { f: BASE }, { f: LATER }, 'merged', { g: BOTH }],
		['rename of what is edited already', movedAndEdited, { f: BASE }, { f: RESULT }, 'merged', { g: RESULT }],
	]

	it.each(lands)('%s', async (_, set, base, current, landing, after) => {
		const landed = await landPatchSet(await set(), branch(treeOf(base), treeOf(current)))
		expect(landed.map((file) => file.landing)).toEqual([landing])
		expect(plain(write(treeOf(current), landed))).toEqual(after)
		for (const { content, blob } of landed) expect(blob).toBe(content === null ? null : await blobId(content))
	})

	const conflicts: [name: string, set: () => Promise<PatchSet>, base: Record<string, string | Uint8Array>, current: Record<string, string | Uint8Array>, kind: string][] = [
		['modify of a line that changed', modified, { f: BASE }, { f: CONTESTED }, 'content'],
		['modify of a deleted file', modified, { f: BASE }, {}, 'modify-delete'],
		['modify of a file that was moved', modified, { f: BASE }, { g: BASE }, 'modify-delete'],
		['modify of what is no text now', modified, { f: BASE }, { f: new Uint8Array([0, 255]) }, 'binary'],
		['create where another file is', created, {}, { f: 'other\n' }, 'add-add'],
		['create below a file', () => setOf({ path: 'd/f', change: 'create' }, { from: null, to: 'new\n' }, [append('d/f', 'new\n')]), {}, { d: 'file\n' }, 'file-directory'],
		['delete of what changed', deleted, { f: BASE }, { f: LATER }, 'delete-modify'],
		['rename of what is gone', renamed, { f: BASE }, {}, 'rename-source'],
		['rename of what moved elsewhere', renamed, { f: BASE }, { elsewhere: BASE }, 'rename-source'],
		['rename to a name that is taken', renamed, { f: BASE }, { f: BASE, g: 'other\n' }, 'rename-target'],
		['rename of a line that changed', movedAndEdited, { f: BASE }, { f: CONTESTED }, 'content'],
	]

	it.each(conflicts)('refuses %s', async (_, set, base, current, kind) => {
		const landing = landPatchSet(await set(), branch(treeOf(base), treeOf(current)))
		await expect(landing).rejects.toMatchObject({ code: 'PATCH_CONFLICT', details: { conflicts: [{ kind }] } })
	})

	it('tells every conflict of every file, with the lines', async () => {
		const files = [await modify('a', { from: BASE, to: RESULT }), await modify('b', { from: BASE, to: RESULT }), await modify('c', { from: BASE, to: RESULT })]
		const set = patchSet(files, [edit('a'), edit('b'), edit('c')])
		const landing = landPatchSet(set, branch(treeOf({ a: BASE, b: BASE, c: BASE }), treeOf({ a: CONTESTED, b: LATER })))
		const hunk = { base: { start: 2, end: 2, text: '2\n' }, ours: { start: 2, end: 2, text: 'zwei\n' }, theirs: { start: 2, end: 2, text: 'two\n' } }
		await expect(landing).rejects.toMatchObject({
			code: 'PATCH_CONFLICT',
			details: { conflicts: [{ path: 'a', kind: 'content', hunks: [hunk] }, { path: 'c', kind: 'modify-delete', hunks: [] }] },
		})
	})

	it('merges modes like content: the side that changed it decides', async () => {
		const at = (content: string, mode: FileMode): Tree => new Map([['f', { content, mode }]])
		const content = await modified()
		expect(await landPatchSet(content, branch(at(BASE, '100644'), at(BASE, '100755')))).toMatchObject([{ mode: '100755', landing: 'applied' }])
		const mode = await setOf({ path: 'f', change: 'mode', mode: '100755' }, { from: BASE, to: BASE })
		expect(await landPatchSet(mode, branch(at(BASE, '100644'), at(LATER, '100644')))).toMatchObject([{ mode: '100755', landing: 'merged', content: encodeText(LATER) }])
		expect(await landPatchSet(mode, branch(at(BASE, '100644'), at(BASE, '100755')))).toMatchObject([{ landing: 'already-applied' }])
	})

	it('does not take a rename for done where its mode is missing', async () => {
		const at = (path: string, mode: FileMode): Tree => new Map([[path, { content: BASE, mode }]])
		const set = await setOf({ path: 'g', from: 'f', change: 'rename', mode: '100755' }, { from: BASE, to: BASE })
		expect(await landPatchSet(set, branch(at('f', '100644'), at('g', '100755')))).toMatchObject([{ landing: 'already-applied', mode: '100755' }])
		await expect(landPatchSet(set, branch(at('f', '100644'), at('g', '100644')))).rejects.toMatchObject({ code: 'PATCH_CONFLICT', details: { conflicts: [{ kind: 'rename-target' }] } })
		// The set left the mode alone, the branch did not.
		expect(await landPatchSet(set, branch(at('f', '100755'), at('g', '100644')))).toMatchObject([{ landing: 'already-applied', mode: '100644' }])
	})

	it('proves the set against its base first', async () => {
		const set = await modified()
		await expect(landPatchSet(set, branch(treeOf({ f: LATER }), treeOf({ f: LATER })))).rejects.toMatchObject({ code: 'PATCH_STALE' })
		const wrong = { ...set, patches: [replaceBlock('f', [2, 2], 'zwei\n')] }
		await expect(landPatchSet(wrong, branch(treeOf({ f: BASE }), treeOf({ f: BASE })))).rejects.toMatchObject({ code: 'PATCH_CORRUPT' })
	})
})

describe('revertPatchSet', () => {
	const reverts: [name: string, set: () => Promise<PatchSet>, base: Record<string, string>, current: Record<string, string>, landing: string, after: Record<string, string>][] = [
		['modify', modified, { f: BASE }, { f: RESULT }, 'applied', { f: BASE }],
		['modify, later work stays', modified, { f: BASE }, { f: BOTH }, 'merged', { f: LATER }],
		['modify that is gone already', modified, { f: BASE }, { f: BASE }, 'already-applied', { f: BASE }],
		['create', created, {}, { f: 'new\n' }, 'applied', {}],
		['delete', deleted, { f: BASE }, {}, 'applied', { f: BASE }],
		['rename', renamed, { f: BASE }, { g: BASE }, 'applied', { f: BASE }],
		['rename and edit, later work stays', movedAndEdited, { f: BASE }, { g: BOTH }, 'merged', { f: LATER }],
	]

	it.each(reverts)('takes back a %s', async (_, set, base, current, landing, after) => {
		const landed = await revertPatchSet(await set(), branch(treeOf(base), treeOf(current)))
		expect(landed.map((file) => file.landing)).toEqual([landing])
		expect(plain(write(treeOf(current), landed))).toEqual(after)
	})

	const conflicts: [name: string, set: () => Promise<PatchSet>, base: Record<string, string>, current: Record<string, string>, kind: string][] = [
		['modify under later work', modified, { f: BASE }, { f: lines('1', 'TWO', '3', '4', '5') }, 'content'],
		['create with later work', created, {}, { f: 'new\nmore\n' }, 'delete-modify'],
		['delete whose name is taken', deleted, { f: BASE }, { f: 'other\n' }, 'add-add'],
		['rename whose file is gone', renamed, { f: BASE }, {}, 'rename-source'],
	]

	it.each(conflicts)('refuses a %s', async (_, set, base, current, kind) => {
		const reverting = revertPatchSet(await set(), branch(treeOf(base), treeOf(current)))
		await expect(reverting).rejects.toMatchObject({ code: 'PATCH_CONFLICT', details: { conflicts: [{ kind }] } })
	})

	it('brings a file back with the mode it had', async () => {
		const base: Tree = new Map([['f', { content: BASE, mode: '100755' }]])
		const set = await setOf({ path: 'f', change: 'modify', mode: '100644' }, { from: BASE, to: RESULT }, [edit('f')])
		expect(await revertPatchSet(set, branch(base, treeOf({ f: RESULT })))).toMatchObject([{ mode: '100755', content: encodeText(BASE) }])
	})
})
