import { after, append, before, replace, type VectorCase } from './case.ts'

const abc = '1\n2\n3\n4\n5\n'
const someBlob = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'

/** Operations on the one file `f`, refused with PATCH_INVALID. */
function operations(name: string, rule: string, patches: VectorCase['patches']): VectorCase {
	return { name, base: { f: abc }, files: [{ path: 'f', change: 'modify' }], patches, expect: { error: 'PATCH_INVALID', rule } }
}

const span: VectorCase[] = [
	operations('two replacements share a line', 'overlap', [replace('f', [1, 3], 'x\n'), replace('f', [3, 4], 'y\n')]),
	operations('the same replacement twice', 'overlap', [replace('f', [2, 2], 'x\n'), replace('f', [2, 2], 'x\n')]),
	operations('one replacement within another', 'overlap', [replace('f', [3, 3], 'x\n'), replace('f', [1, 5], 'y\n')]),
	operations('insert before a line inside a replacement', 'overlap', [replace('f', [2, 4], 'x\n'), before('f', 3, 'y\n')]),
	operations('insert after the first line of a longer replacement', 'overlap', [after('f', 2, 'y\n'), replace('f', [2, 4], 'x\n')]),
	operations('replace past the end', 'out-of-range', [replace('f', [5, 6], 'x\n')]),
	operations('start after end', 'out-of-range', [replace('f', [3, 2], 'x\n')]),
	operations('insert after a line past the end', 'out-of-range', [after('f', 6, 'x\n')]),
	operations('insert before the line behind the last', 'out-of-range', [before('f', 6, 'x\n')]),
	operations('line zero', 'line-number', [before('f', 0, 'x\n')]),
	operations('negative line', 'line-number', [after('f', -1, 'x\n')]),
	operations('half a line', 'line-number', [replace('f', [1.5, 2], 'x\n')]),
	operations('a line number that is null', 'line-number', [{ file: 'f', operation: 'insert-after', line: null, block: 'x\n' }]),
	operations('no line number', 'line-number', [{ file: 'f', operation: 'insert-after', block: 'x\n' }]),
	operations('unknown operation', 'operation', [{ file: 'f', operation: 'prepend', block: 'x\n' }]),
	operations('half a surrogate pair in a block', 'lone-surrogate', [append('f', 'x\ud83d\n')]),
	{
		name: 'insert into an empty file by line',
		base: { f: '' },
		files: [{ path: 'f', change: 'modify' }],
		patches: [before('f', 1, 'x\n')],
		expect: { error: 'PATCH_INVALID', rule: 'out-of-range' },
	},
]

/** A set whose `files` contradict each other or the operations. */
function invalid(name: string, rule: string, set: Pick<VectorCase, 'base' | 'files' | 'patches'>): VectorCase {
	return { name, ...set, expect: { error: 'PATCH_INVALID', rule } }
}

const ab = { a: 'a\n', b: 'b\n' }

const sets: VectorCase[] = [
	invalid('operation on a file that is not listed', 'file-not-listed', {
		base: ab,
		files: [{ path: 'a', change: 'modify' }],
		patches: [append('a', 'x\n'), append('b', 'x\n')],
	}),
	invalid('operation that names the old path of a rename', 'file-not-listed', {
		base: ab,
		files: [{ path: 'c', from: 'a', change: 'rename' }],
		patches: [append('a', 'x\n')],
	}),
	invalid('modify without operations', 'missing-operations', { base: ab, files: [{ path: 'a', change: 'modify' }], patches: [] }),
	invalid('delete with an operation', 'unexpected-operations', {
		base: ab,
		files: [{ path: 'a', change: 'delete' }],
		patches: [replace('a', [1, 1], '')],
	}),
	invalid('mode with an operation', 'unexpected-operations', {
		base: ab,
		files: [{ path: 'a', change: 'mode', mode: '100755', result: 'a\n' }],
		patches: [replace('a', [1, 1], 'a\n')],
	}),
	invalid('mode with another blob', 'result-blob', {
		base: ab,
		files: [{ path: 'a', change: 'mode', mode: '100755', result_blob: someBlob }],
		patches: [],
	}),
	invalid('the same path twice', 'duplicate-path', {
		base: ab,
		files: [{ path: 'a', change: 'modify' }, { path: 'a', change: 'modify' }],
		patches: [append('a', 'x\n')],
	}),
	invalid('rename without from', 'from', { base: ab, files: [{ path: 'a', change: 'rename' }], patches: [append('a', 'x\n')] }),
	invalid('modify with from', 'from', { base: ab, files: [{ path: 'c', from: 'a', change: 'modify' }], patches: [append('c', 'x\n')] }),
	invalid('create with a base', 'base-blob', {
		base: ab,
		files: [{ path: 'c', change: 'create', base_blob: someBlob }],
		patches: [append('c', 'x\n')],
	}),
	invalid('modify without a base', 'base-blob', {
		base: ab,
		files: [{ path: 'a', change: 'modify', base_blob: null }],
		patches: [append('a', 'x\n')],
	}),
	invalid('delete with a result', 'result-blob', {
		base: ab,
		files: [{ path: 'a', change: 'delete', result_blob: someBlob }],
		patches: [],
	}),
	invalid('two files swap names', 'rename-chain', {
		base: ab,
		files: [{ path: 'a', from: 'b', change: 'rename' }, { path: 'b', from: 'a', change: 'rename' }],
		patches: [],
	}),
	invalid('the source of a rename is made anew', 'rename-chain', {
		base: ab,
		files: [{ path: 'c', from: 'a', change: 'rename' }, { path: 'a', change: 'create' }],
		patches: [append('a', 'x\n')],
	}),
	invalid('two renames of one file', 'rename-chain', {
		base: ab,
		files: [{ path: 'c', from: 'a', change: 'rename' }, { path: 'd', from: 'a', change: 'rename' }],
		patches: [],
	}),
	invalid('rename to itself', 'rename-chain', { base: ab, files: [{ path: 'a', from: 'a', change: 'rename' }], patches: [] }),
	invalid('a path as file and as directory', 'file-directory', {
		base: {},
		files: [{ path: 'x', change: 'create' }, { path: 'x-y', change: 'create' }, { path: 'x/y', change: 'create' }],
		patches: [],
	}),
]

/** Creates a file at a path that no set may touch. */
function policy(path: string, rule: string): VectorCase {
	return {
		name: `path ${JSON.stringify(path)}`,
		base: {},
		files: [{ path, change: 'create', result: 'x\n' }],
		patches: [append(path, 'x\n')],
		expect: { error: 'PATCH_POLICY', rule },
	}
}

const paths: VectorCase[] = [
	policy('/etc/passwd', 'path-absolute'),
	policy('\\\\host\\share', 'path-absolute'),
	policy('C:\\x', 'path-absolute'),
	policy('../x', 'path-escape'),
	policy('a/../../x', 'path-escape'),
	policy('a\\..\\..\\x', 'path-escape'),
	policy('./x', 'path-dot-segment'),
	policy('a//b', 'path-empty-segment'),
	policy('a/', 'path-empty-segment'),
	policy('a\u0000b', 'path-encoding'),
	policy('a\udc00b', 'path-encoding'),
	policy('.git/hooks/pre-commit', 'path-git-directory'),
	policy('a/.GIT/config', 'path-git-directory'),
	policy('a\\.git\\config', 'path-git-directory'),
	policy('git~1/config', 'path-git-directory'),
	policy('.git. ./config', 'path-git-directory'),
	policy('.git::$INDEX_ALLOCATION/config', 'path-git-directory'),
	policy('.g\u200cit/config', 'path-git-directory'),
	policy(`${'d/'.repeat(128)}f`, 'path-too-long'),
	policy('é'.repeat(128), 'path-too-long'),
	{
		name: 'rename out of .git',
		base: {},
		files: [{ path: 'x', from: '.git/config', change: 'rename', result: 'gone\n' }],
		patches: [],
		expect: { error: 'PATCH_POLICY', rule: 'path-git-directory' },
	},
]

const proofs: VectorCase[] = [
	{
		name: 'the base is another',
		base: { f: abc },
		files: [{ path: 'f', change: 'modify', base_blob: someBlob }],
		patches: [append('f', 'x\n')],
		expect: { error: 'PATCH_STALE' },
	},
	{
		name: 'the base is missing',
		base: {},
		files: [{ path: 'f', change: 'modify' }],
		patches: [append('f', 'x\n')],
		expect: { error: 'PATCH_STALE' },
	},
	{ name: 'the file to delete is another', base: { f: abc }, files: [{ path: 'f', change: 'delete', base_blob: someBlob }], patches: [], expect: { error: 'PATCH_STALE' } },
	{
		name: 'create where a file is',
		base: { f: abc },
		files: [{ path: 'f', change: 'create', result: 'x\n' }],
		patches: [append('f', 'x\n')],
		expect: { error: 'PATCH_STALE' },
	},
	{
		name: 'rename onto a file',
		base: { ...ab },
		files: [{ path: 'b', from: 'a', change: 'rename', result: 'a\n' }],
		patches: [],
		expect: { error: 'PATCH_STALE' },
	},
	{
		name: 'create below a file that stays',
		base: { a: 'a\n' },
		files: [{ path: 'a/b/c', change: 'create', result: 'x\n' }],
		patches: [append('a/b/c', 'x\n')],
		expect: { error: 'PATCH_STALE' },
	},
	{
		name: 'the result is not the one promised, and nothing lands',
		base: { ...ab },
		files: [{ path: 'a', change: 'modify', result: 'a\nx\n' }, { path: 'b', change: 'modify', result_blob: someBlob }],
		patches: [append('a', 'x\n'), append('b', 'x\n')],
		expect: { error: 'PATCH_CORRUPT' },
	},
	{
		name: 'a pure rename with another blob',
		base: { ...ab },
		files: [{ path: 'c', from: 'a', change: 'rename', result_blob: someBlob }],
		patches: [],
		expect: { error: 'PATCH_CORRUPT' },
	},
	{
		name: 'a created file without its append',
		base: {},
		files: [{ path: 'c', change: 'create', result: 'x\n' }],
		patches: [],
		expect: { error: 'PATCH_CORRUPT' },
	},
	{
		name: 'an operation on a file that is not UTF-8',
		base: { f: { base64: 'aGn/Cg==' } },
		files: [{ path: 'f', change: 'modify', result: { base64: 'aGn/CngK' } }],
		patches: [append('f', 'x\n')],
		expect: { error: 'PATCH_BINARY_UNSUPPORTED' },
	},
	{
		name: 'an operation on a text with a NUL',
		base: { f: 'a\u0000\n' },
		files: [{ path: 'f', change: 'modify', result: 'a\u0000\nx\n' }],
		patches: [append('f', 'x\n')],
		expect: { error: 'PATCH_BINARY_UNSUPPORTED' },
	},
	{
		name: 'a block with a NUL',
		base: { f: 'a\n' },
		files: [{ path: 'f', change: 'modify', result: 'a\n\u0000\n' }],
		patches: [append('f', '\u0000\n')],
		expect: { error: 'PATCH_BINARY_UNSUPPORTED' },
	},
]

export const refused = [...span, ...sets, ...paths, ...proofs]
