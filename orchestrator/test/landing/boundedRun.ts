// For the memory test only: one landing in a thread with little memory. Says what became of it.
import { parentPort, workerData } from 'node:worker_threads'
import { isAppError, PatchSet } from '@shared/contracts'
import type { PatchSetRecord } from '../../worker/database/repositories/patchSets.ts'
import { buildCandidate } from '../../worker/services/patch-manager/candidate.ts'
import { blobOf, createMemoryStore } from './memoryStore.ts'

export interface BoundedCase {
	/** Of the file that the set changes; `lines` of about `bytes / lines` each. */
	bytes: number
	lines: number
	/** Files beside it, so many in each directory. */
	otherFiles?: { count: number; inEach: number }
	/** What the branch and the set change: nothing, a line at one end, or every line. */
	branch: 'nothing' | 'end' | 'all'
	set: 'end' | 'all'
}

const common = { task_id: 'TSK-000000000000', metadata: { provider: 'codex' } }

/** One letter that is not Latin-1 makes a text twice as large in memory. */
function textOf({ bytes, lines }: BoundedCase, start: string): string {
	const filling = 'x'.repeat(Math.max(0, Math.floor(bytes / lines) - 8))
	return `${start}\u0142\n${Array.from({ length: lines - 3 }, (_, at) => `${start}${at}${filling}\n`).join('')}`
}

/** What is to land, with nothing kept of the texts that it was made from. */
async function prepare(given: BoundedCase) {
	const memory = createMemoryStore()
	const { count = 0, inEach = 1 } = given.otherFiles ?? {}
	const others = Object.fromEntries(Array.from({ length: count }, (_, at) => [`d${Math.floor(at / inEach)}/f${at}`, 'the same\n']))
	const commitOf = async (text: string, parents: string[] = []) => memory.addCommit(await memory.addTree({ ...others, file: text }), parents)
	const base = textOf(given, 'a')
	const baseCommit = await commitOf(base)
	const onto = given.branch === 'nothing' ? baseCommit : await commitOf(given.branch === 'end' ? `first\n${base}` : textOf(given, 'c'), [baseCommit])
	const result = given.set === 'end' ? `${base}end\n` : textOf(given, 'b')
	const lines = given.lines - 2
	const patch = given.set === 'end' ? { ...common, file: 'file', operation: 'insert-after' as const, line: lines, block: 'end\n' } : { ...common, file: 'file', operation: 'replace-block' as const, start: 1, end: lines, block: result }
	const file = { path: 'file', change: 'modify', mode: '100644', base_blob: await blobOf(base), result_blob: await blobOf(result) }
	const set = PatchSet.parse({ patch_set_id: 'PST-1', task_id: 'TSK-1', execution_id: 'EXE-1', base_commit: baseCommit, files: [file], patches: [patch], summary: 's', metadata: { provider: 'codex' } })
	return { store: memory.store, set, onto }
}

const record: PatchSetRecord = {
	patchSetId: 'PST-1', executionId: 'EXE-1', taskId: 'TSK-1', orderId: null, baseCommit: '', body: null, objectKey: null, sha256: '', sizeBytes: 0, fileCount: 1, patchCount: 1, status: 'stored',
	error: null, workspaceId: null, branch: null, landedCommit: null, landedAt: null, reverts: null, createdAt: 0,
}

async function land({ store, set, onto }: Awaited<ReturnType<typeof prepare>>): Promise<string> {
	try {
		const { merged, files } = await buildCandidate(store, set, { onto, text: { record, message: 'm', author: { name: 'n', email: 'e@example.com' }, approvedBy: null } })
		return `${files.length} landed, ${merged.length} merged`
	} catch (error) {
		if (!isAppError(error)) throw error
		return `${error.code} ${String(error.details?.['rule'] ?? '')}`.trim()
	}
}

parentPort?.postMessage(await land(await prepare(workerData as BoundedCase)))
