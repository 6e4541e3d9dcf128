import type { AppliedFile } from '@shared/ai-patch'
import { describe, expect, it } from 'vitest'
import { blobOf, createMemoryStore } from '../../../test/landing/memoryStore.ts'
import { makeTree } from './objects.ts'
import { buildTree } from './treeBuilder.ts'

const encode = (text: string) => new TextEncoder().encode(text)

async function put(path: string, content: string, more: Partial<AppliedFile> = {}): Promise<AppliedFile> {
	return { path, change: 'modify', mode: '100644', content: encode(content), blob: await blobOf(content), ...more }
}
const drop = (path: string): AppliedFile => ({ path, change: 'delete', mode: '100644', content: null, blob: null })

/** The files after the change; the objects that were made are the only way to see them. */
async function build(files: Parameters<ReturnType<typeof createMemoryStore>['addTree']>[0], changes: AppliedFile[]) {
	const memory = createMemoryStore()
	const base = await memory.addTree(files)
	memory.reads.length = 0
	const built = await buildTree(memory.store, base, changes)
	for (const object of built.objects) memory.add(object)
	return { ...built, base, files: memory.list(built.tree), reads: memory.reads }
}

describe('buildTree', () => {
	it('reads and writes only the directories on the way', async () => {
		const { files, objects, reads } = await build({ 'a/b/c': '1', 'a/x/y': '2', 'z/z': '3', top: '4' }, [await put('a/b/c', 'new')])
		expect(files).toEqual({ 'a/b/c': '100644 new', 'a/x/y': '100644 2', 'z/z': '100644 3', top: '100644 4' })
		expect(reads).toHaveLength(3)
		expect(objects.map(({ type }) => type).toSorted()).toEqual(['blob', 'tree', 'tree', 'tree'])
	})

	it('keeps symlinks, submodules and modes of what is not touched', async () => {
		const base = { 'd/link': { mode: '120000', content: '../x' }, 'd/sub': { mode: '160000', content: 'c'.repeat(40) }, 'd/run': { mode: '100755', content: '#!' }, 'd/f': '1' }
		const { files } = await build(base, [await put('d/f', '2')])
		expect(files).toEqual({ 'd/link': '120000 ../x', 'd/sub': `160000 ${'c'.repeat(40)}`, 'd/run': '100755 #!', 'd/f': '100644 2' })
	})

	it('removes a directory with its last file, and its parents too', async () => {
		const { files, objects } = await build({ 'a/b/c/d': '1', keep: '2' }, [drop('a/b/c/d')])
		expect(files).toEqual({ keep: '100644 2' })
		expect(objects).toHaveLength(1)
	})

	it('may leave nothing', async () => {
		expect((await build({ 'a/b': '1' }, [drop('a/b')])).tree).toBe((await makeTree([])).id)
	})

	it('makes a file a directory and a directory a file', async () => {
		const changes = [drop('thing'), await put('thing/inner/x', 'in'), drop('dir/one'), drop('dir/two/three'), await put('dir', 'file')]
		const { files } = await build({ thing: '1', 'dir/one': '2', 'dir/two/three': '3' }, changes)
		expect(files).toEqual({ 'thing/inner/x': '100644 in', dir: '100644 file' })
	})

	it('sends no content that the base has at the same place', async () => {
		const moved = await put('b', 'same', { from: 'a', change: 'rename' })
		const mode = await put('m', 'mode', { mode: '100755', change: 'mode' })
		const { files, objects } = await build({ a: 'same', m: 'mode' }, [moved, mode])
		expect(files).toEqual({ b: '100644 same', m: '100755 mode' })
		expect(objects.map(({ type }) => type)).toEqual(['tree'])
	})

	it('makes nothing of a change that changes nothing', async () => {
		const { tree, base, objects } = await build({ 'a/b': '1' }, [await put('a/b', '1')])
		expect(tree).toBe(base)
		expect(objects).toEqual([])
	})

	it('takes names of Object.prototype and odd bytes for what they are', async () => {
		const names = ['__proto__', 'constructor', 'a\tb', 'new\nline', 'é', '\u{1f600}']
		const { files } = await build({ x: '1' }, await Promise.all(names.map((name) => put(name, name))))
		expect(Object.entries(files).toSorted()).toEqual([...names.map((name) => [name, `100644 ${name}`]), ['x', '100644 1']].toSorted())
	})
})

describe('buildTree refuses', () => {
	it.each([
		['a file where a directory keeps other files', { 'd/a': '1', 'd/b': '2' }, () => [drop('d/a'), put('d', 'x')], 'PATCH_STALE', 'd'],
		['a directory where a file stays', { d: '1' }, () => [put('d/a', 'x')], 'PATCH_STALE', 'd'],
		['to remove what is not there', { a: '1' }, () => [drop('b/c')], 'PATCH_STALE', 'b/c'],
		['to remove a directory as a file', { 'a/b': '1' }, () => [drop('a')], 'PATCH_STALE', 'a'],
		['to write over a symlink', { l: { mode: '120000', content: 'x' } }, () => [put('l', 'x')], 'PATCH_FILE_UNSUPPORTED', 'l'],
		['to go through a symlink', { l: { mode: '120000', content: 'x' } }, () => [put('l/a', 'x')], 'PATCH_FILE_UNSUPPORTED', 'l'],
		['to go into a submodule', { s: { mode: '160000', content: 'c'.repeat(40) } }, () => [put('s/a', 'x')], 'PATCH_FILE_UNSUPPORTED', 's'],
	])('%s', async (...[, files, changes, code, path]) => {
		await expect(build(files, await Promise.all(changes()))).rejects.toMatchObject({ code, details: { path } })
	})

	it('a directory whose listing cannot be kept byte for byte', async () => {
		const memory = createMemoryStore()
		const base = await memory.addTree({ 'd/x\ufffd': '1', 'd/y': '2' })
		const [directory] = (await memory.store.readTree(base)) ?? []
		const listing = [{ name: 'x\ufffd', mode: '100644', id: await blobOf('other bytes') }]
		const store = { ...memory.store, readTree: async (id: string) => (id === directory?.id ? listing : memory.store.readTree(id)) }
		await expect(buildTree(store, base, [await put('d/y', 'x')])).rejects.toMatchObject({ code: 'PATCH_FILE_UNSUPPORTED', details: { path: 'd' } })
	})

	it('a base that the host does not have', async () => {
		await expect(buildTree(createMemoryStore().store, '1'.repeat(40), [await put('a', 'x')])).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
	})
})
