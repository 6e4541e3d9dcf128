import { maxFunctionLines } from './maxFunctionLines.mjs'
import { tester } from './tester.ts'

const body = (lines: number) => Array.from({ length: lines }, () => 'step()').join('\n')
const inner = (name: string, lines: number) => `function ${name}() {\n${body(lines)}\n}`
const factory = (...functions: string[]) => `export function createX(deps) {\n${functions.join('\n')}\nreturn deps\n}`

tester.run('max-function-lines', maxFunctionLines, {
	valid: [
		inner('short', 58),
		factory(inner('a', 58), inner('b', 58)),
		`export const handler = () => [\n${Array.from({ length: 10 }, () => '() => 1,').join('\n')}\n]`,
	],
	invalid: [
		{ code: inner('long', 59), errors: [/long has 61 lines of its own/] },
		{ code: `const arrow = () => {\n${body(70)}\n}`, errors: [/arrow has 72/] },
		{ code: `class A { method() {\n${body(70)}\n} }`, errors: [/method has 72/] },
		{ code: factory(inner('a', 10), body(60)), errors: [/createX has 63/] },
		{ code: factory(inner('a', 58), inner('b', 70)), errors: [/b has 72/] },
		{ code: factory(inner('a', 55), inner('b', 55), inner('c', 55), inner('d', 55)), errors: [/createX and the functions inside it have 231/] },
		{ code: `const list = () => [\n${Array.from({ length: 70 }, () => '() => 1,').join('\n')}\n]`, errors: [/list has 72/] },
	],
})
