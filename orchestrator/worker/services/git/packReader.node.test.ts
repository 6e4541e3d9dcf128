import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeObject } from './objects.ts'
import { makePack } from './pack.ts'
import { applyDelta, readPack } from './packReader.ts'
import { parseCommit, parseTree } from './parse.ts'

const LIMITS = { maxObjects: 1000, maxTotalBytes: 10_000_000 }
let directory: string
const git = (args: string[], input = '') =>
	execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: directory, input, env: { PATH: process.env['PATH'], HOME: directory }, stdio: 'pipe' })

/** A history whose versions of one file git packs as chains of deltas, and all that is in it. */
beforeAll(() => {
	directory = mkdtempSync(join(tmpdir(), 'pack-'))
	git(['init', '-q', '.'])
	const lines = Array.from({ length: 3000 }, (_, at) => `line ${at} ${at * 7919}\n`)
	for (let version = 0; version < 8; version += 1) {
		lines[version * 300] = `changed in ${version}\n`
		writeFileSync(join(directory, 'big.txt'), lines.join(''))
		writeFileSync(join(directory, `small é ${version}`), `${version}`)
		git(['add', '.'])
		git(['commit', '-q', '-m', `version ${version}`])
	}
	git(['tag', '-a', '-m', 'tagged', 'v1'])
})
afterAll(() => rmSync(directory, { recursive: true }))

const packAll = (...options: string[]) => new Uint8Array(git(['pack-objects', '--stdout', '--revs', '--all', '-q', ...options]))

describe('readPack', () => {
	it('reads every object that git packed, deltas included, under its own id', async () => {
		const pack = packAll('--depth=50', '--window=50')
		expect(pack.length).toBeLessThan(60_000)
		const objects = (await readPack(pack, LIMITS)) ?? new Map()
		const ids = git(['rev-list', '--objects', '--all', '--no-object-names']).toString().trim().split('\n').toSorted()
		expect([...objects.keys()].toSorted()).toEqual(ids.filter((id) => git(['cat-file', '-t', id]).toString() !== 'tag\n'))
		for (const [id, { type, data }] of objects) {
			expect(git(['cat-file', '-t', id]).toString().trim()).toBe(type)
			expect(Buffer.compare(git(['cat-file', type, id]), data)).toBe(0)
		}
	})

	it('gives trees and commits that can be read', async () => {
		const objects = (await readPack(packAll(), LIMITS)) ?? new Map()
		const head = git(['rev-parse', 'HEAD', 'HEAD^{tree}', 'HEAD^']).toString().trim().split('\n')
		const commit = parseCommit(objects.get(head[0]))
		expect(commit).toEqual({ id: head[0], tree: head[1], parents: [head[2]] })
		const listing = git(['ls-tree', '-z', 'HEAD']).toString().split('\0').filter(Boolean)
		expect(parseTree(objects.get(commit.tree)).map(({ mode, name, id }) => `${mode} blob ${id}\t${name}`)).toEqual(listing)
	})

	it('reads back what we write', async () => {
		const made = await Promise.all([makeObject('blob', crypto.getRandomValues(new Uint8Array(60_000))), makeObject('blob', new Uint8Array()), makeObject('tree', new Uint8Array())])
		const read = await readPack(await makePack(made), LIMITS)
		expect([...(read ?? [])].map(([id, object]) => ({ ...object, id, data: [...object.data] }))).toEqual(made.map((object) => ({ ...object, data: [...object.data] })))
	})

	it('gives up beyond its limits before it unpacks', async () => {
		expect(await readPack(packAll(), { ...LIMITS, maxObjects: 5 })).toBeNull()
		expect(await readPack(packAll(), { ...LIMITS, maxTotalBytes: 100_000 })).toBeNull()
	})

	it('refuses what is not a pack, or is cut, or was not asked for', async () => {
		const pack = packAll()
		await expect(readPack(new TextEncoder().encode('<html>'.repeat(20)), LIMITS)).rejects.toThrow(RangeError)
		await expect(readPack(pack.slice(0, pack.length / 2), LIMITS)).rejects.toThrow()
		await expect(readPack(packAll('--delta-base-offset', '--window=50'), LIMITS)).rejects.toThrow(/type 6/)
		const bad = pack.slice()
		bad.fill(0xff, 20, 200)
		await expect(readPack(bad, LIMITS)).rejects.toThrow()
	})

	it('does not unpack more than an entry says', async () => {
		const pack = await makePack([await makeObject('blob', new TextEncoder().encode('x'.repeat(100_000)))])
		// Type and length of the entry say 15 bytes; the stream behind it holds 100,000.
		const lying = new Uint8Array([...pack.slice(0, 12), 0x3f, ...pack.slice(15)])
		await expect(readPack(lying, LIMITS)).rejects.toThrow()
	})
})

describe('applyDelta', () => {
	const base = new TextEncoder().encode('hello world')
	it('copies and inserts', () => {
		const delta = Uint8Array.from([11, 8, 0x91, 6, 5, 3, 0x21, 0x21, 0x21])
		expect(new TextDecoder().decode(applyDelta(base, delta))).toBe('world!!!')
	})
	it.each([
		['another base', [10, 0]],
		['a copy beyond the end', [11, 5, 0x91, 9, 5]],
		['a shorter result', [11, 9, 0x91, 6, 5]],
		['a longer result', [11, 4, 0x91, 6, 5]],
	])('refuses %s', (_name, delta) => {
		expect(() => applyDelta(base, Uint8Array.from(delta))).toThrow(RangeError)
	})
})

it.each(['', 'garbage', 'tree nothing\n'])('takes no %j for a commit', async (text) => {
	const object = await makeObject('commit', new TextEncoder().encode(text))
	expect(() => parseCommit(object)).toThrow(RangeError)
	if (text !== '') expect(() => parseTree({ ...object, type: 'tree' })).toThrow(RangeError)
})
