import { env } from 'cloudflare:workers'
import { blobId } from '@shared/ai-patch'
import { AppError } from '@shared/contracts'
import type { PatchSet } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../test/landing/memoryStore.ts'
import { createDatabase } from '../../database/client.ts'
import { eventsOfPatchSet } from '../../database/repositories/patchEvents.ts'
import { findPatchSet } from '../../database/repositories/patchSets.ts'
import type { GitStore } from '../git/gitStore.ts'
import { createPatchProcessor } from './patchProcessor.ts'
import { DEFAULT_POLICY } from './policy.ts'

const db = createDatabase(env.DB)
const BRANCH = 'factory/ORD-000000'
const REF = `refs/heads/${BRANCH}`
const blobOf = (text: string) => blobId(new TextEncoder().encode(text))

let count = 0
/** A repository with one file, a stored set that changes it, and a processor whose store can be made to fail. */
async function scene(wrap: (store: GitStore) => GitStore = (store) => store) {
	count += 1
	const memory = createMemoryStore()
	const base = await memory.addCommit(await memory.addTree({ 'a.txt': 'one\n' }))
	let clock = 1_700_000_000_000
	const processor = createPatchProcessor({ db, outputs: env.OUTPUTS, storeFor: async () => wrap(memory.store), now: () => (clock += 1), workerName: 'orchestrator' })
	const number = String(count).padStart(16, '0')
	const set: PatchSet = {
		patch_set_id: `PST-${number}`,
		task_id: 'TSK-000000000000',
		execution_id: `EXE-${number}`,
		order_id: 'ORD-000000',
		base_commit: base,
		files: [{ path: 'a.txt', change: 'modify', mode: '100644', base_blob: await blobOf('one\n'), result_blob: await blobOf('two\n') }],
		patches: [{ task_id: 'TSK-000000000000', file: 'a.txt', operation: 'replace-block', start: 1, end: 1, block: 'two\n', metadata: { provider: 'codex' } }],
		summary: 'Say two',
		metadata: { provider: 'codex' },
	}
	await db.batch((await processor.storeStatements(set, { workerName: 'runner' })).statements)
	const subject = { subjectId: set.execution_id, patchSetId: set.patch_set_id, workspaceId: 'wsp-1', branch: BRANCH }
	const make = () => processor.makeCandidate({ ...subject, set })
	const events = async () => (await eventsOfPatchSet(db, set.patch_set_id)).map(({ eventType, status }) => `${eventType} ${status}`)
	const status = async () => (await findPatchSet(db, set.patch_set_id))?.status
	return { memory, base, processor, subject, set, make, events, status }
}

describe('policy', () => {
	it('is recorded either way, once', async () => {
		const { processor, subject, set, events, status } = await scene()
		await processor.checkPolicy(subject, set)
		await processor.checkPolicy(subject, set)
		expect(await events()).toEqual(['stored ok', 'policy-passed ok'])
		const strict = { ...DEFAULT_POLICY, rules: { ...DEFAULT_POLICY.rules, maxBlockBytes: 1 } }
		await expect(processor.checkPolicy(subject, set, strict)).rejects.toMatchObject({ code: 'PATCH_POLICY', details: { rule: 'block-bytes' } })
		await expect(processor.checkPolicy(subject, set, strict)).rejects.toMatchObject({ code: 'PATCH_POLICY' })
		expect(await events()).toEqual(['stored ok', 'policy-passed ok', 'refused failed'])
		expect(await status()).toBe('refused')
	})
})

describe('makeCandidate', () => {
	it('is the same commit at any time', async () => {
		const { make, memory, base } = await scene()
		const first = await make()
		memory.refs.clear()
		expect(await make()).toEqual(first)
		expect(first).toMatchObject({ parent: base, expectedOld: null })
		expect(memory.list(first.tree)).toEqual({ 'a.txt': '100644 two\n' })
	})

	it('takes the place of an older candidate of the same execution', async () => {
		const { make, memory, base, set } = await scene()
		const ref = `refs/vibehq/candidates/${set.execution_id}`
		memory.refs.set(ref, base)
		expect(memory.refs.get((await make()).ref)).not.toBe(base)
	})

	it('records nothing against the set when the host fails, and lets the next try succeed', async () => {
		let isDown = true
		const { make, events, status } = await scene((store) => ({
			...store,
			push: async (...args) => {
				if (isDown) throw new AppError('GIT_UPSTREAM', 'down')
				return store.push(...args)
			},
		}))
		await expect(make()).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
		expect(await status()).toBe('stored')
		isDown = false
		await make()
		expect(await events()).toEqual(['stored ok', 'candidate ok'])
	})

	it('says so when the host does not move the reference', async () => {
		const { make } = await scene((store) => ({ ...store, push: async ([update]) => [{ ref: update?.ref ?? '', isDone: false, reason: 'hook declined', actual: null }] }))
		await expect(make()).rejects.toMatchObject({ code: 'GIT_UPSTREAM', message: expect.stringContaining('hook declined') })
	})

	it('lets go of the store whatever happens', async () => {
		let open = 0
		const { make, memory } = await scene((store) => {
			open += 1
			return { ...store, dispose: () => void (open -= 1) }
		})
		await make()
		memory.refs.set(REF, 'f'.repeat(40))
		await expect(make()).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
		expect(open).toBe(0)
	})
})

describe('advance', () => {
	it('ends in the same state when its record or its answer was lost', async () => {
		let isCut = true
		const all = await scene((store) => ({
			...store,
			push: async (updates, objects, options) => {
				const result = await store.push(updates, objects, options)
				if (isCut && updates[0]?.ref === REF) throw new AppError('GIT_UPSTREAM', 'connection lost')
				return result
			},
		}))
		const candidate = await all.make()
		await expect(all.processor.advance(all.subject, candidate)).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
		expect(await all.status()).toBe('candidate')
		isCut = false
		expect(await all.processor.advance(all.subject, candidate)).toEqual({ hasLanded: true, commit: candidate.commit })
		expect(await all.events()).toEqual(['stored ok', 'candidate ok', 'landed ok'])
		expect(all.memory.refs).toEqual(new Map([[REF, candidate.commit]]))
	})

	it('does not mind a candidate reference that is gone', async () => {
		const all = await scene()
		const candidate = await all.make()
		all.memory.refs.delete(candidate.ref)
		await all.processor.advance(all.subject, candidate)
		expect(all.memory.refs.get(REF)).toBe(candidate.commit)
	})

	it('says when the host refuses although nothing moved', async () => {
		const all = await scene((store) => ({
			...store,
			push: async (updates, objects, options) =>
				updates[0]?.ref === REF ? updates.map(({ ref, old }) => ({ ref, isDone: false as const, reason: 'protected', actual: old })) : store.push(updates, objects, options),
		}))
		const candidate = await all.make()
		await expect(all.processor.advance(all.subject, candidate)).rejects.toMatchObject({ code: 'GIT_UPSTREAM', message: expect.stringContaining('protected') })
		expect(await all.status()).toBe('candidate')
	})

	it('stays landed whatever is asked later', async () => {
		const all = await scene()
		const candidate = await all.make()
		await all.processor.advance(all.subject, candidate)
		await all.processor.discard(all.subject, candidate, { reason: 'too late' })
		all.memory.refs.set(REF, await all.memory.addCommit(candidate.tree, [candidate.commit]))
		await all.processor.advance(all.subject, candidate)
		expect(await all.status()).toBe('landed')
		expect(all.memory.refs.get(REF)).not.toBe(candidate.commit)
	})
})

it('discards although the host is down, and keeps the set', async () => {
	const all = await scene((store) => ({
		...store,
		push: async (updates, objects, options) => {
			if (updates[0]?.new === null) throw new Error('down')
			return store.push(updates, objects, options)
		},
	}))
	const candidate = await all.make()
	await all.processor.discard(all.subject, candidate, { reason: 'npm test exited with 1' })
	expect(await findPatchSet(db, all.set.patch_set_id)).toMatchObject({ status: 'refused', error: 'npm test exited with 1' })
	expect(await all.processor.load(all.set.patch_set_id)).toEqual(all.set)
})
