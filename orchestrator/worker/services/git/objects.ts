import type { TreeEntry } from './gitStore.ts'

/** An object to be stored: its id is the SHA-1 of its type, length and data. */
export interface GitObject {
	type: 'blob' | 'tree' | 'commit'
	id: string
	data: Uint8Array
}

/** What git writes for "no object" in a reference update. */
export const NULL_ID = '0'.repeat(40)
export const DIRECTORY_MODE = '40000'
const SYMLINK_MODE = '120000'
const SUBMODULE_MODE = '160000'

export const isDirectory = (entry: TreeEntry) => entry.mode === DIRECTORY_MODE
export const isSymlink = (entry: TreeEntry) => entry.mode === SYMLINK_MODE
export const isSubmodule = (entry: TreeEntry) => entry.mode === SUBMODULE_MODE

const encoder = new TextEncoder()

export const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

function fromHex(hex: string): Uint8Array {
	return Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16))
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
	const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
	let at = 0
	for (const part of parts) {
		whole.set(part, at)
		at += part.length
	}
	return whole
}

export async function makeObject<Type extends string = GitObject['type']>(type: Type, data: Uint8Array) {
	const whole = concatBytes([encoder.encode(`${type} ${data.length}\0`), data])
	return { type, data, id: toHex(new Uint8Array(await crypto.subtle.digest('SHA-1', whole))) }
}

/** Git's order: by the bytes of the names, a directory counting as if its name ended in a slash. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
	const length = Math.min(a.length, b.length)
	for (let at = 0; at < length; at += 1) {
		const difference = (a[at] ?? 0) - (b[at] ?? 0)
		if (difference !== 0) return difference
	}
	return a.length - b.length
}

/** The tree object of these entries, whatever order they come in. */
export function makeTree(entries: readonly TreeEntry[]): Promise<GitObject> {
	const keyed = entries.map((entry) => ({ entry, key: encoder.encode(isDirectory(entry) ? `${entry.name}/` : entry.name) }))
	keyed.sort((a, b) => compareBytes(a.key, b.key))
	const parts = keyed.flatMap(({ entry }) => [encoder.encode(`${entry.mode} ${entry.name}\0`), fromHex(entry.id)])
	return makeObject('tree', concatBytes(parts))
}

export interface Person {
	name: string
	email: string
}

export interface CommitInput {
	tree: string
	parents: readonly string[]
	author: Person
	/** Unix ms; git keeps whole seconds. */
	at: number
	message: string
}

// Git ends a name at `<` and a header at a newline, and drops these characters at the ends of a name itself.
const cleanName = (text: string) =>
	text
		.replace(/[\0-\x1f<>]/g, '')
		.replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, '') || 'unknown'

/** The commit object; the same input gives the same id, so a repeated step makes nothing new. Author and committer are one. */
export function makeCommit({ tree, parents, author, at, message }: CommitInput): Promise<GitObject> {
	const person = `${cleanName(author.name)} <${cleanName(author.email)}> ${Math.floor(at / 1000)} +0000`
	const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`), `author ${person}`, `committer ${person}`]
	return makeObject('commit', encoder.encode(`${lines.join('\n')}\n\n${message.replaceAll('\0', '').trimEnd()}\n`))
}
