// For tests only: what somebody who means harm might hand in as a patch set.
import type { Random } from './random.ts'

/** No file may be read or written under these. */
export const FORBIDDEN_PATHS = [
	'..', '../f', 'a/../../f', 'd/..', '/etc/passwd', '//x', '\\x', '\\\\host\\share', 'C:\\x', 'c:/x', '..\\f', 'a\\..\\..\\f', './f', 'a/./f', 'a//b', 'f/',
	'.git', '.git/config', '.GIT/hooks/x', 'a/.Git/x', '.git /x', '.git./x', 'git~1/config', 'GIT~1', '.git\u200c/config', '.g\u202eit/x', '.git::$INDEX_ALLOCATION/x',
	'\ud800', 'a/\udfff', 'a\0b', 'n'.repeat(4000), 'a/'.repeat(200) + 'x',
] as const

/** Odd, but names of files like others. */
export const ODD_PATHS = [
	'__proto__', 'constructor', 'toString', '__proto__/f', 'F', 'é', 'e\u0301', 'ﬁ', 'İ', 'nul', 'con.txt', 'a:b', '-rf', '~', '$(x)', 'tab\t', 'line\n', '\u202ef', '...', 'git', 'x\\y',
] as const

const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

/** Values of every type, for every field. */
const VALUES: readonly unknown[] = [
	...[undefined, true, false, 0, -0, 1, -1, 1.5, 2 ** 31, 2 ** 32 + 1, 2 ** 53, 2 ** 53 - 1, 1e308, -1e308, 5e-324, Number.NaN, Infinity, -Infinity, 10n],
	...['', '1', '0x1', '1e3', '٣', 'x', 'x\n', 'x\r', '\0', '\ud83d', '\udc00\n', '\u2028', '\ufeff', '<<<<<<< a\n', '--- a\n', '@@ -1 +1 @@\n', 'x'.repeat(5000)],
	...['replace-block', 'insert-after', 'append', 'prepend', 'modify', 'create', 'delete', 'rename', 'mode', '100644', '100755', '120000', '160000', '0'.repeat(40), 'f'.repeat(40)],
	...[[], [[]], {}, [{}], deep(2000), JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'), new Map([['f', 1]]), new Date(Number.NaN), Symbol('s'), () => 'f'],
]

const KEYS = [
	'file', 'path', 'from', 'operation', 'start', 'end', 'line', 'block', 'change', 'mode', 'base_blob', 'result_blob', 'files', 'patches', 'metadata', 'base_commit',
	'patch_set_id', 'summary', '__proto__', 'constructor', 'toJSON',
] as const

type Holder = Record<string, unknown> | unknown[]

/** A copy of `value` with one to three things changed: left out, added, doubled, or of another kind. */
export function mutated(random: Random, value: unknown): unknown {
	const root = { value: structuredClone(value) }
	for (let count = 1 + random.below(3); count > 0; count -= 1) mutateOnce(random, root)
	return root.value
}

function mutateOnce(random: Random, root: Holder): void {
	let holder = root
	let key = 'value'
	for (let next = child(holder, key); next !== null && random.chance(0.85); next = child(holder, key)) {
		const keys = Object.keys(next)
		const [first, ...others] = keys
		if (first === undefined) break
		holder = next
		key = random.pick([first, ...others])
	}
	const made = () => random.pick<unknown>([null, ...VALUES, ...FORBIDDEN_PATHS, ...ODD_PATHS])
	switch (random.below(7)) {
		case 0:
			if (holder !== root) Reflect.deleteProperty(holder, key)
			return
		case 1:
			set(holder, random.pick(KEYS), made())
			return
		case 2:
			if (Array.isArray(holder)) holder.push(holder[Number(key)])
			return
		case 3:
			if (['file', 'path', 'from'].includes(key)) set(holder, key, random.pick([...FORBIDDEN_PATHS, ...ODD_PATHS, 'f', 'g', 'd/e', 'd', 'f/x']))
			return
		case 4:
			if (['start', 'end', 'line'].includes(key)) set(holder, key, random.pick([1, 2, 3, 4, 5, 99, 2 ** 53 - 1, 2 ** 31, -0]))
			return
		default:
			set(holder, key, made())
	}
}

function child(holder: Holder, key: string): Holder | null {
	const value: unknown = Reflect.get(holder, key)
	return typeof value === 'object' && value !== null && !(value instanceof Map) && !(value instanceof Date) ? (value as Holder) : null
}

function set(holder: Holder, key: string, value: unknown): void {
	// Not an assignment: `__proto__` is to become a property, as JSON makes it.
	Reflect.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}
