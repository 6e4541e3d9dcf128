import { blameLines } from '@shared/ai-patch'
import type { BlameStep } from '@shared/ai-patch'
import { AppError } from '@shared/contracts'
import type { BlameView, Page, PageRequest, PatchEvent, PatchSetSummary } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { landingsOfPath } from '../../database/repositories/landedFiles.ts'
import { appendPatchEvent, eventsOfPatchSet } from '../../database/repositories/patchEvents.ts'
import { findPatchSet, listPatchSets } from '../../database/repositories/patchSets.ts'
import type { PatchSetRecord } from '../../database/repositories/patchSets.ts'
import { decodeCursor, encodeCursor, toPage } from '../cursor.ts'
import { createBaseTree, isMergeable, MERGE_LIMITS } from '../git/baseTree.ts'
import type { GitStore } from '../git/gitStore.ts'
import type { Origin } from '../origin.ts'

export interface PatchBooksDeps {
	db: Database
	now: () => number
	storeFor: (workspaceId: string) => Promise<GitStore>
}

/** Landings of a file that blame looks back over, and bytes of all its versions together: comparing them is what takes the time. */
const MAX_STEPS = 200
const MAX_BLAME_BYTES = 128 * 1024 * 1024
const MAX_EVENT_CHARS = 64 * 1024

/** What is known of patch sets afterwards: their history, what is reported of them, and who wrote which line. */
export function createPatchBooks({ db, now, storeFor }: PatchBooksDeps) {
	/**
	 * Keeps what a Patch Manager reports; a repeated event is kept once. It is somebody's word: it is shown, and moves nothing.
	 * Throws PAYLOAD_TOO_LARGE.
	 */
	async function report(event: PatchEvent, by: Origin & { subject: string }): Promise<{ accepted: true }> {
		if (JSON.stringify(event).length > MAX_EVENT_CHARS) throw new AppError('PAYLOAD_TOO_LARGE', `An event has at most ${MAX_EVENT_CHARS} characters.`)
		const { patch_id: patchSetId, event: type, status } = event
		const isBad = type === 'patch_failed' || status === 'failed' || status === 'error'
		await db.run(appendPatchEvent({ patchSetId, eventType: type ?? 'patch_reported', status: isBad ? 'failed' : 'ok', metadata: { ...event, reportedBy: by.subject }, origin: by, at: now() }))
		return { accepted: true }
	}

	/** Patch sets of a workspace or an order, newest first. Throws INVALID_INPUT without one of them. */
	async function history(page: PageRequest & { workspaceId?: string | undefined; orderId?: string | undefined }): Promise<Page<PatchSetSummary>> {
		const { workspaceId, orderId } = page
		if (workspaceId === undefined && orderId === undefined) throw new AppError('INVALID_INPUT', 'Name the workspaceId or the orderId whose patch sets you want.')
		const limit = Math.min(Math.max(page.limit ?? 50, 1), 200)
		const rows = await listPatchSets(db, { workspaceId, orderId, before: decodeCursor(page.cursor), limit: limit + 1 })
		const { items, nextCursor } = toPage(rows, limit, (record) => encodeCursor(record.createdAt, record.patchSetId))
		return { items: items.map(toSummary), nextCursor }
	}

	/** One set with everything that happened to it. Throws PATCH_NOT_FOUND. */
	async function one(patchSetId: string) {
		const record = await findPatchSet(db, patchSetId)
		const events = await eventsOfPatchSet(db, patchSetId, 500)
		if (record === undefined && events.length === 0) throw new AppError('PATCH_NOT_FOUND', `There is no patch set ${patchSetId.slice(0, 60)}.`)
		return { patchSet: record === undefined ? null : toSummary(record), events: events.map(({ eventType, status, metadata, workerName, at }) => ({ event: eventType, status, metadata, workerName, at })) }
	}

	/** Who wrote each line of a file as it stands on a branch. Throws NOT_FOUND for a file that is not there, PATCH_TOO_LARGE, PATCH_BINARY_UNSUPPORTED for one that is no text. */
	async function blame({ workspaceId, branch, path }: { workspaceId: string; branch: string; path: string }): Promise<BlameView> {
		const store = await storeFor(workspaceId)
		try {
			const head = await store.readRef(`refs/heads/${branch}`)
			const commit = head === null ? null : await store.readCommit(head)
			const current = commit === null ? null : await createBaseTree(store, commit.tree, MERGE_LIMITS).readBase(path)
			if (head === null || current === null) throw new AppError('NOT_FOUND', `There is no file ${JSON.stringify(path)} on the branch ${branch}.`)
			const text = textOf(current)
			if (text === null) throw new AppError('PATCH_BINARY_UNSUPPORTED', `${JSON.stringify(path)} is not UTF-8 text, so it has no lines.`)
			const found = await pathHistory({ workspaceId, branch, path })
			const landings = found.slice(-MAX_STEPS)
			const writers = new Map(landings.map((landing) => [landing.patchSetId, landing]))
			const runs: BlameView['lines'] = []
			for (const [index, patchSetId] of (await blameLines(stepsOf(store, landings), text)).entries()) {
				const last = runs.at(-1)
				if (last !== undefined && last.patchSetId === patchSetId) last.end = index + 1
				else runs.push({ start: index + 1, end: index + 1, patchSetId, executionId: writers.get(patchSetId ?? '')?.executionId ?? null, orderId: writers.get(patchSetId ?? '')?.orderId ?? null })
			}
			return { path, branch, commit: head, hasOlder: found.length > landings.length, lines: runs }
		} finally {
			store.dispose()
		}
	}

	/** Landings of a file, oldest first, and before them those of the path it was moved from: at least one more than are looked at, where there are. */
	async function pathHistory(place: { workspaceId: string; branch: string; path: string }) {
		const own = await landingsOfPath(db, { ...place, limit: MAX_STEPS + 1 })
		const move = own.findLast(({ from }) => from !== null)
		if (move === undefined || move.from === null) return own
		const before = await landingsOfPath(db, { ...place, path: move.from, limit: MAX_STEPS + 1 })
		return [...before.filter(({ id }) => id < move.id), ...own.filter(({ id }) => id >= move.id)]
	}

	return { report, history, one, blame }
}
export type PatchBooks = ReturnType<typeof createPatchBooks>

function toSummary(record: PatchSetRecord): PatchSetSummary {
	const { body: _body, objectKey: _key, sizeBytes: _size, fileCount, patchCount, ...rest } = record
	return { ...rest, files: fileCount, patches: patchCount }
}

function textOf(bytes: Uint8Array): string | null {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
	} catch {
		return null
	}
}

type Landed = Pick<Awaited<ReturnType<typeof landingsOfPath>>[number], 'patchSetId' | 'oldBlob' | 'newBlob'>

/** The versions of a file, one after the other; what is no text or not there any more is left out. Throws PATCH_TOO_LARGE. */
async function* stepsOf(store: GitStore, landings: readonly Landed[]): AsyncGenerator<BlameStep> {
	let left = MAX_BLAME_BYTES
	const read = async (blob: string | null): Promise<string | null> => {
		if (blob === null) return ''
		const bytes = await store.readBlob(blob)
		left -= bytes?.length ?? 0
		if (bytes !== null && !isMergeable(bytes)) throw new AppError('PATCH_TOO_LARGE', `The file was once too large to tell who wrote which line (blob ${blob}).`, { rule: 'file-bytes', limit: MERGE_LIMITS.maxFileBytes })
		if (left < 0) throw new AppError('PATCH_TOO_LARGE', `The versions of the file have more than ${MAX_BLAME_BYTES} bytes together, which is too much to tell who wrote which line.`, { rule: 'blame-bytes', limit: MAX_BLAME_BYTES })
		return bytes === null ? null : textOf(bytes)
	}
	let last: { blob: string | null; text: string | null } | undefined
	for (const { patchSetId, oldBlob, newBlob } of landings) {
		// Nearly always it begins where the one before it ended.
		const base = last !== undefined && last.blob === oldBlob ? last.text : await read(oldBlob)
		last = { blob: newBlob, text: await read(newBlob) }
		if (base !== null && last.text !== null) yield { patchSetId, base, result: last.text }
	}
}
