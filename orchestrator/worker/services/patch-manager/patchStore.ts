import { patchSetToDiff } from '@shared/ai-patch'
import { AppError, FileMode, PatchSet } from '@shared/contracts'
import type { Database, Statement } from '../../database/client.ts'
import { findPatchSet, findPatchSetOfExecution, insertPatchSet, placeOfExecution } from '../../database/repositories/patchSets.ts'
import type { PatchSetRecord, PatchSetStatus } from '../../database/repositories/patchSets.ts'
import { createBaseTree } from '../git/baseTree.ts'
import type { GitStore } from '../git/gitStore.ts'
import type { Origin } from '../origin.ts'
import { sha256Of } from '../sha256.ts'
import { recordStep } from './patchRecord.ts'

/** A longer body goes to the bucket: rows end at 2 MB, and a long row slows every read of its table. */
const MAX_ROW_BYTES = 512 * 1024

export interface PatchStoreDeps {
	db: Database
	outputs: Pick<R2Bucket, 'get' | 'head' | 'put'>
	storeFor(workspaceId: string): Promise<GitStore>
	now: () => number
}

/** A set that is ready to be stored: run the statements in the batch of the state that it belongs to. */
export interface PreparedPatchSet {
	statements: Statement[]
	record: PatchSetRecord
}

export interface StoreOptions {
	status?: PatchSetStatus
	/** For a set that no agent made: where it is to land. */
	batch?: { batchId: string; workspaceId: string; branch: string; reverts?: string }
}

/** Keeps patch sets: each is stored whole, proved by its SHA-256, before anything is done with it. */
export function createPatchStore({ db, outputs, storeFor, now }: PatchStoreDeps) {
	/**
	 * Prepares the storing of a set; a long body is in the bucket when this returns. A set that is stored already (same id and
	 * content) needs no statements. Throws IDEMPOTENCY_CONFLICT for other content under the same id, PATCH_INVALID for a set
	 * that neither names an order nor belongs to an execution.
	 */
	async function storeStatements(set: PatchSet, origin: Origin, { status = 'stored', batch }: StoreOptions = {}): Promise<PreparedPatchSet> {
		const text = JSON.stringify(set)
		const bytes = new TextEncoder().encode(text)
		const sha256 = await sha256Of(bytes)
		const known = await findPatchSet(db, set.patch_set_id)
		if (known !== undefined && known.sha256 !== sha256) throw conflict(set.patch_set_id)
		if (known !== undefined) return { statements: [], record: known }

		const place = await placeOfExecution(db, set.execution_id)
		const orderId = place?.orderId ?? set.order_id ?? null
		if (orderId === null && batch === undefined) throw new AppError('PATCH_INVALID', `Patch set ${set.patch_set_id} names no order, and its execution is not known.`)
		const objectKey = bytes.length > MAX_ROW_BYTES ? `patch-sets/${set.patch_set_id}.json` : null
		if (objectKey !== null) await putOnce({ key: objectKey, bytes, sha256, patchSetId: set.patch_set_id })
		const at = now()
		const record: PatchSetRecord = {
			patchSetId: set.patch_set_id,
			executionId: batch === undefined ? set.execution_id : null,
			taskId: place?.taskId ?? (batch === undefined ? set.task_id : null),
			orderId,
			baseCommit: set.base_commit,
			body: objectKey === null ? text : null,
			objectKey,
			sha256,
			sizeBytes: bytes.length,
			fileCount: set.files.length,
			patchCount: set.patches.length,
			status,
			error: null,
			workspaceId: batch?.workspaceId ?? place?.workspaceId ?? null,
			branch: batch?.branch ?? place?.branch ?? null,
			landedCommit: null,
			landedAt: null,
			reverts: batch?.reverts ?? null,
			createdAt: at,
		}
		const details = { sha256, sizeBytes: bytes.length, files: set.files.length, patches: set.patches.length, status }
		return { statements: [insertPatchSet(record, origin), ...recordStep(record, { name: 'stored', details, onceKey: sha256 }, { origin, at, subjectId: batch?.batchId })], record }
	}

	async function putOnce(object: { key: string; bytes: Uint8Array; sha256: string; patchSetId: string }): Promise<void> {
		const { key, bytes, sha256 } = object
		const put = await outputs.put(key, bytes, { onlyIf: { etagDoesNotMatch: '*' }, sha256, customMetadata: { sha256 }, httpMetadata: { contentType: 'application/json' } })
		if (put === null && (await outputs.head(key))?.customMetadata?.['sha256'] !== sha256) throw conflict(object.patchSetId)
	}

	async function mustFind(patchSetId: string): Promise<PatchSetRecord> {
		const record = await findPatchSet(db, patchSetId)
		if (record === undefined) throw new AppError('PATCH_NOT_FOUND', `There is no patch set ${patchSetId.slice(0, 60)}. Store it before anything is done with it.`)
		return record
	}

	/** Reads a set back and proves it. Throws PATCH_NOT_FOUND, and PATCH_CORRUPT where it is not what was stored. */
	async function load(patchSetId: string): Promise<PatchSet> {
		return read(await mustFind(patchSetId))
	}

	async function read(record: PatchSetRecord): Promise<PatchSet> {
		const text = record.body ?? (await (record.objectKey === null ? null : outputs.get(record.objectKey))?.then((object) => object?.text())) ?? null
		if (text === null) throw corrupt(record.patchSetId, 'its body is gone')
		if ((await sha256Of(text)) !== record.sha256) throw corrupt(record.patchSetId, 'its SHA-256 is another one')
		const parsed = PatchSet.safeParse(JSON.parse(text))
		if (!parsed.success) throw corrupt(record.patchSetId, parsed.error.issues[0]?.message ?? 'it does not parse')
		return parsed.data
	}

	/** The set of an execution; null as long as it has none. */
	async function ofExecution(executionId: string): Promise<PatchSet | null> {
		const record = await findPatchSetOfExecution(db, executionId)
		return record === undefined ? null : read(record)
	}

	/** What is known of the set of an execution; undefined as long as it has none. */
	const recordOfExecution = (executionId: string) => findPatchSetOfExecution(db, executionId)

	/** The set of an execution as a unified diff; see `diffOfSet`. */
	async function diffOf(executionId: string): Promise<string> {
		const record = await findPatchSetOfExecution(db, executionId)
		if (record === undefined) throw new AppError('PATCH_NOT_FOUND', `Execution ${executionId.slice(0, 60)} has no patch set.`)
		return diffOfSet(record.patchSetId)
	}

	/** A set as a unified diff that `git apply` takes. Throws PATCH_NOT_FOUND, WORKSPACE_NOT_FOUND and what proving the set against its base throws. */
	async function diffOfSet(patchSetId: string): Promise<string> {
		const record = await mustFind(patchSetId)
		const set = await read(record)
		if (record.workspaceId === null) throw new AppError('WORKSPACE_NOT_FOUND', `Patch set ${patchSetId} has no workspace to compare with.`)
		const store = await storeFor(record.workspaceId)
		try {
			await store.readAhead(set.base_commit, set.files.flatMap(({ base_blob }) => base_blob ?? []))
			const commit = await store.readCommit(set.base_commit)
			if (commit === null) throw new AppError('PATCH_STALE', `The base commit ${set.base_commit} is not in the workspace any more.`, { expected: set.base_commit, actual: null })
			const base = createBaseTree(store, commit.tree)
			const readBaseMode = async (path: string) => FileMode.safeParse((await base.entryAt(path))?.mode).data ?? null
			return await patchSetToDiff(set, base.readBase, { readBaseMode })
		} finally {
			store.dispose()
		}
	}

	return { storeStatements, mustFind, load, ofExecution, recordOfExecution, diffOf, diffOfSet }
}
export type PatchStore = ReturnType<typeof createPatchStore>

const conflict = (patchSetId: string) =>
	new AppError('IDEMPOTENCY_CONFLICT', `Patch set ${patchSetId} is stored with other content. A set never changes: give the new one an id of its own.`)

const corrupt = (patchSetId: string, problem: string) =>
	new AppError('PATCH_CORRUPT', `The stored patch set ${patchSetId} cannot be used: ${problem}. Run the task again.`)
