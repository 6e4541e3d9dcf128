import { describe, expect, it } from 'vitest'
import { makeCommit, makeObject, makeTree } from './objects.ts'

// The ids are what git 2.39 gives the same content.
const X = '587be6b4c3f93f93c489c0111bba5596147a26cb'
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const author = { name: 'A U Thor', email: 'a@example.com' }

it('names a blob as git does', async () => {
	expect((await makeObject('blob', new TextEncoder().encode('x\n'))).id).toBe(X)
})

describe('a tree', () => {
	it('is named as git does, in the order of bytes with directories as if they ended in a slash', async () => {
		const names = ['\uff5e', '\u{1f600}', 'é', 'a0', 'a.b', 'a-b']
		const files = names.map((name) => ({ name, mode: name === 'a0' ? '100755' : '100644', id: X }))
		expect((await makeTree([...files, { name: 'a', mode: '40000', id: EMPTY_TREE }])).id).toBe('2f41d64a105f3c1cd95e533626f0a75f74d2e6d1')
	})

	it('may be empty', async () => {
		expect((await makeTree([])).id).toBe(EMPTY_TREE)
	})
})

describe('a commit', () => {
	it('is named as git does, with and without a parent', async () => {
		const first = await makeCommit({ tree: EMPTY_TREE, parents: [], author, at: 1_700_000_000_999, message: 'first' })
		expect(first.id).toBe('f3281392a1eaaf80ac04c15dde62a487dda79b8b')
		const second = await makeCommit({ tree: EMPTY_TREE, parents: [first.id], author, at: 1_700_000_000_000, message: 'Subject\n\nBody\n' })
		expect(second.id).toBe('23abe70006cb787d2fd229cd419d73a36fd1aca9')
	})

	it('cannot be given a header by a name, nor ended by a NUL in its message', async () => {
		const hostile = { name: 'x <y@z> 0 +0000\nparent 1', email: 'a>\n\nb' }
		const { data } = await makeCommit({ tree: EMPTY_TREE, parents: [], author: hostile, at: 0, message: 'a\0b' })
		expect(new TextDecoder().decode(data).split('\n')).toEqual([
			`tree ${EMPTY_TREE}`,
			'author x y@z 0 +0000parent 1 <ab> 0 +0000',
			'committer x y@z 0 +0000parent 1 <ab> 0 +0000',
			'',
			'ab',
			'',
		])
	})

	it('has somebody as its author whatever the name', async () => {
		const { data } = await makeCommit({ tree: EMPTY_TREE, parents: [], author: { name: ' ; ', email: '' }, at: 0, message: 'm' })
		expect(new TextDecoder().decode(data)).toContain('author unknown <unknown> 0 +0000')
	})
})
