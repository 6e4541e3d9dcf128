import { after, append, before, type Content, replace, type VectorCase } from './case.ts'

const abc = '1\n2\n3\n4\n5\n'

/** A case that modifies the one file `f`. */
function modify(name: string, texts: readonly [from: string, to: string], patches: VectorCase['patches']): VectorCase {
	return { name, base: { f: texts[0] }, files: [{ path: 'f', change: 'modify' }], patches, expect: { files: { f: texts[1] } } }
}

const operations: VectorCase[] = [
	modify('replace one line', [abc, '1\nTWO\n3\n4\n5\n'], [replace('f', [2, 2], 'TWO\n')]),
	modify('replace several lines by more', [abc, '1\na\nb\nc\nd\n5\n'], [replace('f', [2, 4], 'a\nb\nc\nd\n')]),
	modify('an empty block deletes', [abc, '1\n5\n'], [replace('f', [2, 4], '')]),
	modify('delete everything, keep the file', [abc, ''], [replace('f', [1, 5], '')]),
	modify('insert before the first line', [abc, `0\n${abc}`], [before('f', 1, '0\n')]),
	modify('insert after a line', [abc, '1\n2\n2b\n3\n4\n5\n'], [after('f', 2, '2b\n')]),
	modify('insert after the last line', [abc, `${abc}6\n`], [after('f', 5, '6\n')]),
	modify('append', [abc, `${abc}6\n7\n`], [append('f', '6\n7\n')]),
	modify('append to an empty file', ['', 'x\n'], [append('f', 'x\n')]),
	modify('numbers count in the base, whatever the order of the list', [abc, 'A\n2\n3b\n3\n5\nend\n'], [
		append('f', 'end\n'),
		replace('f', [4, 4], ''),
		replace('f', [1, 1], 'A\n'),
		before('f', 3, '3b\n'),
	]),
	modify('between two lines: after the upper, before the lower, each in list order', [abc, '1\n2\na1\na2\nb1\nb2\n3\n4\n5\n'], [
		before('f', 3, 'b1\n'),
		after('f', 2, 'a1\n'),
		before('f', 3, 'b2\n'),
		after('f', 2, 'a2\n'),
	]),
	modify('at the end: after the last line, then appends in list order', [abc, `${abc}after\np1\np2\n`], [
		append('f', 'p1\n'),
		after('f', 5, 'after\n'),
		append('f', 'p2\n'),
	]),
	modify('adjacent replacements do not overlap', [abc, '1\nB\nC\n4\n5\n'], [replace('f', [3, 3], 'C\n'), replace('f', [2, 2], 'B\n')]),
	modify('insertions may touch a replacement at both edges', [abc, '1\nbefore\nX\nafter\n5\n'], [
		replace('f', [2, 4], 'X\n'),
		after('f', 4, 'after\n'),
		before('f', 2, 'before\n'),
	]),
	modify('insert before a deleted line and after it', [abc, '1\n2\nx\ny\n4\n5\n'], [
		replace('f', [3, 3], ''),
		before('f', 3, 'x\n'),
		after('f', 3, 'y\n'),
	]),
]

const bytes: VectorCase[] = [
	modify('carriage returns are content', ['a\r\nb\r\nc\r\n', 'a\r\nB\r\nc\r\n'], [replace('f', [2, 2], 'B\r\n')]),
	modify('mixed terminators stay mixed', ['a\r\nb\nc\r\n', 'a\r\nb\nB\nc\r\n'], [after('f', 2, 'B\n')]),
	modify('only a line feed ends a line', [
		'a\rb\u2028c\u2029d\u000be\u000cf\u0085g\u001ch\nlast\n',
		'a\rb\u2028c\u2029d\u000be\u000cf\u0085g\u001ch\nLAST\n',
	], [replace('f', [2, 2], 'LAST\n')]),
	modify('the last line may lack its terminator', ['a\nb', 'a\nB'], [replace('f', [2, 2], 'B')]),
	modify('give the last line its terminator', ['a\nb', 'a\nb\n'], [replace('f', [2, 2], 'b\n')]),
	modify('take the last terminator away', ['a\nb\n', 'a\nb'], [replace('f', [2, 2], 'b')]),
	modify('a block is verbatim: nothing adds a missing terminator', ['a\nb\nc\n', 'a\nBc\n'], [replace('f', [2, 2], 'B')]),
	modify('append is verbatim after an unterminated line', ['a\nb', 'a\nbc\n'], [append('f', 'c\n')]),
	modify('a byte order mark stays', ['\ufeffa\nb\n', '\ufeffa\nB\n'], [replace('f', [2, 2], 'B\n')]),
	modify('a byte order mark can be taken away', ['\ufeffa\nb\n', 'a\nb\n'], [replace('f', [1, 1], 'a\n')]),
	modify('text beyond the basic plane', ['Zoë 😀\n日本\n', 'Zoë 😀\n日本語 🚀\n'], [replace('f', [2, 2], '日本語 🚀\n')]),
	modify('lines that look like a diff', [
		'--- a\n@@ -1 +1 @@\ndiff --git a/f b/f\n\\ No newline at end of file\n',
		'--- a\n+++ b\n@@ -1 +1 @@\n\\ No newline at end of file\n',
	], [after('f', 1, '+++ b\n'), replace('f', [3, 3], '')]),
]

const oddName = ' odd "name"\twith\nlines\\and é'

const files: VectorCase[] = [
	{
		name: 'create with one append; other files stay',
		base: { f: abc },
		files: [{ path: 'dir/new', change: 'create', mode: '100755' }],
		patches: [append('dir/new', 'x\ny')],
		expect: { files: { f: abc, 'dir/new': { text: 'x\ny', mode: '100755' } } },
	},
	{ name: 'create an empty file without a patch', base: {}, files: [{ path: 'f', change: 'create' }], patches: [], expect: { files: { f: '' } } },
	{ name: 'delete', base: { f: abc, g: 'g\n' }, files: [{ path: 'f', change: 'delete' }], patches: [], expect: { files: { g: 'g\n' } } },
	{ name: 'delete a binary file', base: { f: { base64: 'AAH/' } }, files: [{ path: 'f', change: 'delete' }], patches: [], expect: { files: {} } },
	{
		name: 'mode only, of a binary file',
		base: { f: { base64: 'AAH/' } },
		files: [{ path: 'f', change: 'mode', mode: '100755' }],
		patches: [],
		expect: { files: { f: { base64: 'AAH/', mode: '100755' } } },
	},
	{
		name: 'modify and mode',
		base: { f: { text: abc, mode: '100755' } },
		files: [{ path: 'f', change: 'modify', mode: '100644' }],
		patches: [replace('f', [1, 4], '')],
		expect: { files: { f: '5\n' } },
	},
	{
		name: 'pure rename',
		base: { f: abc },
		files: [{ path: 'g/f', from: 'f', change: 'rename' }],
		patches: [],
		expect: { files: { 'g/f': abc } },
	},
	{
		name: 'rename with edit: numbers count in the old file, file names the new',
		base: { old: abc },
		files: [{ path: 'new', from: 'old', change: 'rename', mode: '100755' }],
		patches: [replace('new', [5, 5], 'five\n')],
		expect: { files: { new: { text: '1\n2\n3\n4\nfive\n', mode: '100755' } } },
	},
	{
		name: 'a file becomes a directory',
		base: { a: 'x\n' },
		files: [{ path: 'a', change: 'delete' }, { path: 'a/b', change: 'create' }],
		patches: [append('a/b', 'y\n')],
		expect: { files: { 'a/b': 'y\n' } },
	},
	{
		name: 'a directory becomes a file',
		base: { 'a/b': 'x\n' },
		files: [{ path: 'a', change: 'create' }, { path: 'a/b', change: 'delete' }],
		patches: [append('a', 'y\n')],
		expect: { files: { a: 'y\n' } },
	},
	{
		name: 'a file moves below its own name',
		base: { a: 'x\n' },
		files: [{ path: 'a/b', from: 'a', change: 'rename' }],
		patches: [],
		expect: { files: { 'a/b': 'x\n' } },
	},
	{
		name: 'odd names are ordinary names',
		base: { [oddName]: 'a\n', '-rf': 'b\n', 'a...b/..c/.gitignore': 'c\n' },
		files: [
			{ path: oddName, change: 'modify' },
			{ path: '-rf', change: 'delete' },
			{ path: 'a...b/..c/.gitignore', change: 'modify' },
			{ path: 'git~2', change: 'create' },
		],
		patches: [append(oddName, 'b\n'), append('a...b/..c/.gitignore', 'd\n')],
		expect: { files: { [oddName]: 'a\nb\n', 'a...b/..c/.gitignore': 'c\nd\n', 'git~2': '' } satisfies Record<string, Content> },
	},
	{ name: 'nothing at all', base: { f: abc }, files: [], patches: [], expect: { files: { f: abc } } },
]

export const accepted = [...operations, ...bytes, ...files]
