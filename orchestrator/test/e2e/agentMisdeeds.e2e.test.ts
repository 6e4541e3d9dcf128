// Agents do what they like in their work tree. What cannot land is refused by name, what can lands exactly, and nothing of a run stays behind.
import { randomInt } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { PatchSet } from '@shared/contracts'
import { guardSecrets } from './support/canary.ts'
import { createGate, until } from './support/gate.ts'
import { processesWith } from './support/processes.ts'
import { order, place, sharedStack } from './support/stack.ts'
import type { OrderSpec, SettledOrder } from './support/stack.ts'

const BASE = { 'README.md': 'hello\n', 'run.sh': '#!/bin/sh\necho hi\n', 'docs/old name.txt': 'a line that is kept\nand another one\nand a third\n' }
const BIG_BYTES = 5 * 1024 * 1024
const LONG_SLEEP = `4321.${randomInt(1e9, 9e9)}`

const shared = sharedStack({ runner: { extraArgs: ['--concurrency', '3'] } })
guardSecrets(shared)

const shell = (command: string): OrderSpec => ({ provider: 'codex', files: BASE, scenario: { steps: [{ shell: command }] } })
const ORDERS = {
	commits: shell("git checkout -q -b mine && echo mine > mine.txt && git add -A && git commit -q -m 'My own commit' && git commit -q --allow-empty -m 'And another' && echo later > later.txt"),
	'no .git': shell('find .git -delete && test ! -e .git && echo kept > kept.txt'),
	big: shell(`yes 'many lines of the same kind, and no end of them' | head -c ${BIG_BYTES} > big.txt`),
	binary: shell("printf 'a\\000b\\001' > picture.bin; echo fine > fine.txt"),
	link: shell('ln -s /etc/passwd accounts; echo fine > fine.txt'),
	nested: shell('git init -q inner && cd inner && echo x > x.txt && git add -A && git commit -q -m x'),
	'nested without a commit': shell('git init -q inner; echo x > inner/x.txt'),
	leak: { provider: 'claude', files: BASE, scenario: { steps: [{ shell: 'test -n "$ANTHROPIC_API_KEY" && echo "key=$ANTHROPIC_API_KEY" > leaked.txt; echo fine > fine.txt' }] } },
	modes: shell("chmod 755 run.sh && mkdir -p texts && mv 'docs/old name.txt' 'texts/new name.txt' && echo 'and a fourth' >> 'texts/new name.txt'"),
} satisfies Record<string, OrderSpec>
type Name = keyof typeof ORDERS

const settled = new Map<string, SettledOrder>()
const of = (name: Name): SettledOrder => settled.get(name) ?? expect.unreachable(`no order was placed for ${name}`)

beforeAll(async () => {
	await Promise.all(Object.entries(ORDERS).map(async ([name, spec]) => settled.set(name, await order(shared.stack, spec))))
})

const patchSet = async (name: Name) => PatchSet.parse(await shared.stack.client.patchSet(of(name).execution.executionId))

async function expectLanded(name: Name, tree: Record<string, string>): Promise<void> {
	const { execution, base, clone } = of(name)
	expect(execution).toMatchObject({ status: 'completed', error: null })
	const landed = await clone()
	expect(await landed.tree()).toEqual(tree)
	expect(await landed.git('rev-list', 'HEAD')).toBe(`${execution.landedCommit}\n${base.commit}`)
}

async function expectRefused(name: Name, code: string): Promise<string> {
	const { execution, executions, order: view, clone } = of(name)
	expect(executions).toHaveLength(1)
	expect(execution).toMatchObject({ status: 'failed', landedCommit: null, error: { code } })
	expect(view).toMatchObject({ status: 'failed', commit: null })
	await expect(clone()).rejects.toThrow(/Remote branch factory\/ORD-\w+ not found/)
	expect(await (await clone('main')).tree()).toEqual(BASE)
	return execution.error?.message ?? ''
}

describe('an agent that uses git as it likes', () => {
	it('commits by itself: all of it lands, as one commit of ours', async () => {
		await expectLanded('commits', { ...BASE, 'mine.txt': 'mine\n', 'later.txt': 'later\n' })
	})

	it('deletes .git: its changes land all the same', async () => {
		await expectLanded('no .git', { ...BASE, 'kept.txt': 'kept\n' })
	})

	it.each(['nested', 'nested without a commit'] as const)('makes a repository in the repository (%s): refused by name', async (name) => {
		expect(await expectRefused(name, 'PATCH_FILE_UNSUPPORTED')).toContain('inner')
	})
})

describe('changes that a patch set cannot carry', () => {
	it('a binary file is refused by name', async () => {
		const message = await expectRefused('binary', 'PATCH_BINARY_UNSUPPORTED')
		expect(message).toContain('picture.bin')
		expect(message).not.toContain('fine.txt')
	})

	it('a link is refused by name', async () => {
		const message = await expectRefused('link', 'PATCH_FILE_UNSUPPORTED')
		expect(message).toContain('accounts')
		expect(message).not.toContain('root:')
	})
})

describe('changes that may not land', () => {
	it('too many bytes: refused with rule and figures; the set is kept whole', async () => {
		const message = await expectRefused('big', 'PATCH_POLICY')
		expect(message).toContain('block-bytes')
		expect(of('big').execution.error?.details).toMatchObject({ rule: 'block-bytes', bytes: BIG_BYTES, limit: 4 * 1024 * 1024 })
		const set = await patchSet('big')
		expect(set.files).toMatchObject([{ path: 'big.txt', change: 'create' }])
		expect(set.patches.reduce((sum, { block }) => sum + block.length, 0)).toBe(BIG_BYTES)
	})

	it('the token of the run: refused, and not even kept', async () => {
		expect(await expectRefused('leak', 'PATCH_POLICY')).toContain('secret')
		const { execution, log } = of('leak')
		expect(execution.patchSetId).toBeNull()
		expect(JSON.stringify([execution, log])).not.toContain('key=eyJ')
	})
})

describe('changes beside the content', () => {
	it('modes and renames land as what they are', async () => {
		const { 'run.sh': script, 'docs/old name.txt': text, ...rest } = BASE
		await expectLanded('modes', { ...rest, 'run.sh *': script, 'texts/new name.txt': `${text}and a fourth\n` })
		const { files } = await patchSet('modes')
		expect(files.map(({ path, change, from, mode }) => ({ path, change, from, mode })).sort((a, b) => a.path.localeCompare(b.path))).toEqual([
			{ path: 'run.sh', change: 'mode', from: undefined, mode: '100755' },
			{ path: 'texts/new name.txt', change: 'rename', from: 'docs/old name.txt', mode: '100644' },
		])
	})
})

describe('an agent that leaves processes behind', () => {
	it('loses them with the end of its run', async () => {
		const { stack } = shared
		const gate = createGate(stack, 'left-behind')
		const leave = `setsid sleep ${LONG_SLEEP} < /dev/null > /dev/null 2>&1 & (setsid sh -c 'sleep ${LONG_SLEEP} & wait' < /dev/null > /dev/null 2>&1 &) ; true`
		const placed = await place(stack, { provider: 'codex', files: BASE, scenario: { steps: [{ shell: leave }, { shell: gate.shell }, { write: { path: 'done.txt', content: 'done\n' } }] } })
		const waiting = await gate.reached(placed)
		// What an agent starts in the background takes its time on a busy machine.
		await until('both stay behind', () => (processesWith(LONG_SLEEP, 'sleep').length >= 2 ? true : undefined))
		waiting.open()
		const { execution } = await placed.settled()
		expect(execution).toMatchObject({ status: 'completed', error: null })
		expect(processesWith(LONG_SLEEP)).toEqual([])
		expect(processesWith(waiting.folder)).toEqual([])
	})
})
