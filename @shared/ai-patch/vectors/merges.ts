// Three-way merges: what every engine makes of them. `clean` is the merged text; `conflict` the stretches of the base ([first, last],
// 1-based, last = first - 1 for none) that both sides changed in different ways; what the sides have there follows from it.
export interface MergeCase {
	name: string
	base: string
	ours: string
	theirs: string
	expect: { clean: string } | { conflict: [first: number, last: number][] }
}

const abc = '1\n2\n3\n4\n5\n6\n7\n'

const clean = (name: string, [base, ours, theirs]: readonly [string, string, string], merged: string): MergeCase => ({ name, base, ours, theirs, expect: { clean: merged } })
const conflict = (name: string, [base, ours, theirs]: readonly [string, string, string], hunks: [number, number][]): MergeCase => ({
	name,
	base,
	ours,
	theirs,
	expect: { conflict: hunks },
})

const both: MergeCase[] = [
	clean('nothing happened', [abc, abc, abc], abc),
	clean('only ours changed', [abc, '1\n', abc], '1\n'),
	clean('only theirs changed', [abc, abc, ''], ''),
	clean('both did the same', [abc, '1\n2\n3\nfour\n', '1\n2\n3\nfour\n'], '1\n2\n3\nfour\n'),
	clean('changes far apart', [abc, 'one\n2\n3\n4\n5\n6\n7\n', '1\n2\n3\n4\n5\n6\nseven\n'], 'one\n2\n3\n4\n5\n6\nseven\n'),
	clean('one kept line between two changes', [abc, '1\n2\nthree\n4\n5\n6\n7\n', '1\n2\n3\n4\nfive\n6\n7\n'], '1\n2\nthree\n4\nfive\n6\n7\n'),
	clean('the same change once, and one more each', [abc, 'one\n2\n3\nfour\n5\n6\n7\n', '1\n2\n3\nfour\n5\n6\nseven\n'], 'one\n2\n3\nfour\n5\n6\nseven\n'),
	clean('insertions at either end', [abc, `0\n${abc}`, `${abc}8\n`], `0\n${abc}8\n`),
	clean('deletion and insertion', [abc, '1\n2\n3\n4\n7\n', '1\nx\n2\n3\n4\n5\n6\n7\n'], '1\nx\n2\n3\n4\n7\n'),
	clean('the same file from nothing', ['', 'a\n', 'a\n'], 'a\n'),
	clean('both delete everything', [abc, '', ''], ''),
	clean('a function before and one after, braces alike', [
		'{\n  a\n}\n\n{\n  b\n}\n',
		'{\n  new\n}\n\n{\n  a\n}\n\n{\n  b\n}\n',
		'{\n  a\n}\n\n{\n  b\n}\n\n{\n  last\n}\n',
	], '{\n  new\n}\n\n{\n  a\n}\n\n{\n  b\n}\n\n{\n  last\n}\n'),
]

const bytes: MergeCase[] = [
	clean('carriage returns are content', ['a\r\nb\r\nc\r\n', 'A\r\nb\r\nc\r\n', 'a\r\nb\r\nC\r\n'], 'A\r\nb\r\nC\r\n'),
	clean('terminators of a side stay its own', ['a\nb\nc\nd\n', 'a\r\nb\nc\nd\n', 'a\nb\nc\nD\n'], 'a\r\nb\nc\nD\n'),
	clean('a lone carriage return ends no line', ['a\rb\nc\nd\n', 'a\rB\nc\nd\n', 'a\rb\nc\nD\n'], 'a\rB\nc\nD\n'),
	clean('a byte order mark stays', ['\ufeffa\nb\nc\n', '\ufeffa\nb\nC\n', '\ufeffA\nb\nc\n'], '\ufeffA\nb\nC\n'),
	clean('a final terminator given by one side', ['a\nb\nc', 'a\nb\nc\n', 'A\nb\nc'], 'A\nb\nc\n'),
	clean('a final terminator taken by one side', ['a\nb\nc\n', 'a\nb\nc', 'A\nb\nc\n'], 'A\nb\nc'),
	clean('separators of other standards end no line', ['a\u2028b\nc\nd\n', 'a\u2028B\nc\nd\n', 'a\u2028b\nc\nD\n'], 'a\u2028B\nc\nD\n'),
	conflict('whole file to other terminators, and an edit', ['a\nb\nc\n', 'a\r\nb\r\nc\r\n', 'a\nB\nc\n'], [[1, 3]]),
	conflict('the last line edited, and given its terminator', ['a\nb\nc', 'a\nb\nc\n', 'a\nb\nC'], [[3, 3]]),
]

const conflicts: MergeCase[] = [
	conflict('one line, two ways', [abc, '1\n2\n3\nours\n5\n6\n7\n', '1\n2\n3\ntheirs\n5\n6\n7\n'], [[4, 4]]),
	conflict('changes that touch', [abc, '1\n2\nthree\n4\n5\n6\n7\n', '1\n2\n3\nfour\n5\n6\n7\n'], [[3, 4]]),
	conflict('two insertions at one place', [abc, '1\n2\n3\nours\n4\n5\n6\n7\n', '1\n2\n3\ntheirs\n4\n5\n6\n7\n'], [[4, 3]]),
	conflict('insertion inside of what the other side deleted', [abc, '1\n2\n6\n7\n', '1\n2\n3\n4\nx\n5\n6\n7\n'], [[3, 5]]),
	conflict('insertion right after a changed line', [abc, '1\n2\n3\nfour\n5\n6\n7\n', '1\n2\n3\n4\nx\n5\n6\n7\n'], [[4, 4]]),
	conflict('edit in a deleted file', [abc, '', 'one\n2\n3\n4\n5\n6\n7\n'], [[1, 7]]),
	conflict('two files from nothing', ['', 'a\n', 'b\n'], [[1, 0]]),
	conflict('two conflicts and a clean change between', [
		abc,
		'ours\n2\nx\n4\n5\n6\nours\n',
		'theirs\n2\n3\n4\n5\n6\ntheirs\n',
	], [[1, 1], [7, 7]]),
	conflict('three changes that touch in a row', [abc, '1\ntwo\n3\nfour\n5\n6\n7\n', '1\n2\nTHREE\n4\n5\n6\n7\n'], [[2, 4]]),
]

export const merges = [...both, ...bytes, ...conflicts]
