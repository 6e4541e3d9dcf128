import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { MERGE_LIMITS, READ_LIMITS } from '../../worker/services/git/baseTree.ts'
import type { BoundedCase } from './boundedRun.ts'

/** Beside this a Worker's 128 MB hold the bytes of files and pack, which are not on the heap. */
const HEAP_MB = 88

/** What became of a landing in so little memory; a thread that needs more dies with ERR_WORKER_OUT_OF_MEMORY. */
async function landed(workerData: BoundedCase): Promise<unknown> {
	const thread = new Worker(join(import.meta.dirname, 'boundedRun.ts'), { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8 } })
	try {
		const [answer] = (await once(thread, 'message')) as unknown[]
		return answer
	} finally {
		await thread.terminate()
	}
}

const largest = { bytes: READ_LIMITS.maxFileBytes * 0.95, lines: READ_LIMITS.maxFileLines * 0.95 }
const mergeable = { bytes: MERGE_LIMITS.maxFileBytes * 0.9, lines: MERGE_LIMITS.maxFileLines * 0.9 }

it.each<[string, BoundedCase, string]>([
	['one of 50,000 files', { bytes: 1000, lines: 10, otherFiles: { count: 50_000, inEach: 100 }, branch: 'end', set: 'end' }, '1 landed, 1 merged'],
	['one beside a directory of 50,000 files', { bytes: 1000, lines: 10, otherFiles: { count: 50_000, inEach: 50_000 }, branch: 'end', set: 'end' }, '1 landed, 1 merged'],
	['the largest file there may be', { ...largest, branch: 'nothing', set: 'end' }, '1 landed, 0 merged'],
	['the largest file that is merged', { ...mergeable, branch: 'end', set: 'end' }, '1 landed, 1 merged'],
	['the largest conflict', { ...mergeable, branch: 'all', set: 'all' }, 'PATCH_CONFLICT'],
	['a file of too many lines', { bytes: 2_000_000, lines: 600_000, branch: 'nothing', set: 'end' }, 'PATCH_TOO_LARGE file-lines'],
	['a merge of too many lines', { bytes: 2_000_000, lines: 300_000, branch: 'end', set: 'end' }, 'PATCH_TOO_LARGE file-lines'],
])('lands or refuses %s within the memory of a Worker', async (_, given, answer) => {
	expect(await landed(given)).toBe(answer)
}, 120_000)
