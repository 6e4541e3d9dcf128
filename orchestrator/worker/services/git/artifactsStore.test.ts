import { expect, it } from 'vitest'
import { createArtifactsStore } from './artifactsStore.ts'

const nothing = () => Promise.reject(new Error('not asked for'))

function storeOf(readBlob: () => Promise<Blob | null>) {
	const repo = { readBlob, [Symbol.dispose]() {} } as unknown as ArtifactsRepo
	return createArtifactsStore({ openRepo: async () => repo, memory: { isLarge: true }, remote: nothing, fetch: nothing })
}

/** A file of this size whose bytes may not be taken over. */
const blobOf = (size: number) => ({ size, arrayBuffer: nothing }) as unknown as Blob

it('takes over no file that no patch can be for', async () => {
	const store = storeOf(async () => blobOf(20 * 1024 * 1024))
	await expect(store.readBlob('a'.repeat(40))).rejects.toMatchObject({ code: 'PATCH_TOO_LARGE', details: { rule: 'file-bytes', limit: 8 * 1024 * 1024 } })
	const beyond = Object.assign(new Error('too large'), { name: 'ArtifactsError', code: 'MEMORY_LIMIT' })
	await expect(storeOf(() => Promise.reject(beyond)).readBlob('a'.repeat(40))).rejects.toMatchObject({ code: 'PATCH_TOO_LARGE' })
})

it('gives what is small enough, and null for nothing', async () => {
	expect(await storeOf(async () => new Blob(['text'])).readBlob('a'.repeat(40))).toEqual(new TextEncoder().encode('text'))
	expect(await storeOf(async () => null).readBlob('a'.repeat(40))).toBeNull()
	const broken = Object.assign(new Error('broken'), { name: 'ArtifactsError', code: 'INTERNAL_ERROR' })
	await expect(storeOf(() => Promise.reject(broken)).readBlob('a'.repeat(40))).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
})
