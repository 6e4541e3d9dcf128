import { env } from 'cloudflare:workers'
import { blobId } from '@shared/ai-patch'
import { describe, expect, it } from 'vitest'
import { createDatabase, sql } from '../../database/client.ts'
import { insertLandedFiles } from '../../database/repositories/landedFiles.ts'
import type { GitStore } from '../git/gitStore.ts'
import { createPatchBooks } from './patchBooks.ts'

const db = createDatabase(env.DB)
const bytesOf = (text: string) => new TextEncoder().encode(text)

/** A file that was landed in these versions, one set after the other. */
async function landed(workspaceId: string, versions: readonly string[]) {
	const blobs = new Map<string, Uint8Array>()
	const ids: string[] = []
	for (const version of versions) {
		const bytes = bytesOf(version)
		ids.push(await blobId(bytes))
		blobs.set(ids.at(-1) ?? '', bytes)
	}
	const [head, tree] = ['c'.repeat(40), 't'.repeat(40)]
	const rows = ids.map((id, at) => {
		const patchSetId = `${workspaceId}-${String(at).padStart(4, '0')}`
		const file = { path: 'a.txt', from: null, landing: 'applied' as const, oldBlob: ids[at - 1] ?? null, newBlob: id }
		return [
			sql.insertInto('patch_sets').values({
				patch_set_id: patchSetId, execution_id: '', task_uuid: '', order_id: '', base_commit: head, sha256: 'x', size_bytes: 1, file_count: 1, patch_count: 1,
				status: 'landed', workspace_id: workspaceId, landed_commit: patchSetId, worker_name: 'w', created_at: at, updated_at: at,
			}),
			insertLandedFiles({ patchSetId, workspaceId, branch: 'main', commit: patchSetId, files: [file], origin: { workerName: 'w' }, at }),
		]
	})
	for (const some of rows) await db.batch(some)
	const store = {
		readRef: async () => head,
		readCommit: async () => ({ tree, parents: [] }),
		readTree: async () => [{ mode: '100644', name: 'a.txt', id: ids.at(-1) }],
		readBlob: async (id: string) => blobs.get(id) ?? null,
		readAhead: async () => undefined,
		dispose: () => undefined,
	} as unknown as GitStore
	return createPatchBooks({ db, now: () => 1, storeFor: async () => store }).blame({ workspaceId, branch: 'main', path: 'a.txt' })
}

describe('who wrote which line', () => {
	it('goes two hundred landings back, and says that there are older ones', async () => {
		const { hasOlder, lines } = await landed('wsp-long', Array.from({ length: 203 }, (_, at) => Array.from({ length: at + 1 }, (_, line) => `line ${line}\n`).join('')))
		expect(hasOlder).toBe(true)
		expect(lines[0]).toEqual({ start: 1, end: 3, patchSetId: null, executionId: null, orderId: null })
		expect(lines).toHaveLength(201)
		expect(lines.at(-1)).toMatchObject({ start: 203, patchSetId: 'wsp-long-0202' })
	})

	it('reads no more of a file than a Worker holds, and says so', async () => {
		const filler = 'x'.repeat(3_900_000)
		await expect(landed('wsp-wide', Array.from({ length: 40 }, (_, at) => `${filler}\n${at}\n`))).rejects.toMatchObject({ code: 'PATCH_TOO_LARGE', details: { rule: 'blame-bytes' } })
	})
})
