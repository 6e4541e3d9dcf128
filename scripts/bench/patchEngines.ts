import { applyOperations, blobId, joinLines, landPatchSet, mergeText, splitLines } from '@shared/ai-patch'
import { isAppError } from '@shared/contracts'
import type { AIPatch, PatchSet } from '@shared/contracts'
import { applyPatch, diffArrays, structuredPatch } from 'diff'
import type { StructuredPatch } from 'diff'
import { diff3Merge } from 'node-diff3'
import type { PatchCase } from './patchCase.ts'
import type { PatchManagerProcess } from './patchManagerProcess.ts'
import { gitApply, gitDiff, gitMergeFile, patchManagerMergeFile } from './patchSpawned.ts'

/** What an agent hands in, in the forms that the engines take; made before the clock starts. */
export interface Prepared extends PatchCase {
	set: PatchSet
	structured: StructuredPatch
	gitDiff: string
}

export interface Engine {
	name: string
	/** Pays the start of a process with every patch. */
	isSpawned: boolean
	/** Only so many cases of a corpus, for one that takes long to start. */
	atMost?: number
	/** The file after the patch, or null for a refusal. */
	land: (prepared: Prepared) => Promise<string | null> | string | null
}

/** Our engines, whose results the targets are about. */
export const OURS = ['ai-patch landPatchSet', 'ai-patch mergeText', 'patch_manager merge', 'patch_manager.py merge-file'] as const
const [LAND, MERGE, PYTHON_MERGE, PYTHON_COMMAND] = OURS

export const IN_PROCESS: Engine[] = [
	{ name: LAND, isSpawned: false, land: landWithProof },
	{ name: MERGE, isSpawned: false, land: ({ base, current, target }) => textOf(mergeText({ base, ours: current, theirs: target })) },
	{ name: 'jsdiff fuzz 0', isSpawned: false, land: jsdiff(0) },
	{ name: 'jsdiff fuzz 2', isSpawned: false, land: jsdiff(2) },
	{ name: 'node-diff3', isSpawned: false, land: nodeDiff3 },
	{ name: 'by line number, blind', isSpawned: false, land: blind },
]

/** `patchManager` stays up: its figures have a pipe in them, but no start. */
export function otherProcesses(patchManager: PatchManagerProcess): Engine[] {
	return [
		{ name: PYTHON_MERGE, isSpawned: false, land: ({ base, current, target }) => patchManager.merge({ base, ours: current, theirs: target }) },
		{ name: PYTHON_COMMAND, isSpawned: true, atMost: 25, land: ({ base, current, target }) => patchManagerMergeFile({ base, ours: current, theirs: target }) },
		{ name: 'git merge-file', isSpawned: true, land: ({ base, current, target }) => gitMergeFile({ base, ours: current, theirs: target }) },
		{ name: 'git apply', isSpawned: true, land: (prepared) => gitApply(prepared.gitDiff, prepared.current) },
	]
}

export async function prepare(patchCase: PatchCase): Promise<Prepared> {
	const { base, target } = patchCase
	const [base_blob, result_blob] = await Promise.all([base, target].map((text) => blobId(new TextEncoder().encode(text))))
	const set: PatchSet = {
		patch_set_id: 'PST-0000000000000000',
		task_id: 'TSK-000000000000',
		execution_id: 'EXE-0000000000000000',
		base_commit: '0'.repeat(40),
		files: [{ path: 'file', change: 'modify', mode: '100644', base_blob: base_blob ?? null, result_blob: result_blob ?? null }],
		patches: operationsOf(base, target),
		summary: '',
		metadata: { provider: 'codex' },
	}
	return { ...patchCase, set, structured: structuredPatch('file', 'file', base, target, undefined, undefined, { context: 3 }), gitDiff: gitDiff(patchCase) }
}

function operationsOf(base: string, target: string): AIPatch[] {
	const common = { task_id: 'TSK-000000000000', file: 'file', metadata: { provider: 'codex' } }
	const lineCount = splitLines(base).length
	const operations: AIPatch[] = []
	let at = 0
	let removed = 0
	let added = ''
	const flush = () => {
		const block = added
		if (removed > 0) operations.push({ ...common, operation: 'replace-block', start: at - removed + 1, end: at, block })
		else if (block !== '' && at === lineCount) operations.push({ ...common, operation: 'append', block })
		else if (block !== '' && at === 0) operations.push({ ...common, operation: 'insert-before', line: 1, block })
		else if (block !== '') operations.push({ ...common, operation: 'insert-after', line: at, block })
		removed = 0
		added = ''
	}
	for (const change of diffArrays(splitLines(base), splitLines(target))) {
		if (!change.added && !change.removed) flush()
		if (!change.added) at += change.value.length
		if (change.removed) removed += change.value.length
		if (change.added) added += joinLines(change.value)
	}
	flush()
	return operations
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The whole landing: check, apply, prove by blob id, merge, name the result. */
async function landWithProof({ set, base, current }: Prepared): Promise<string | null> {
	try {
		const [file] = await landPatchSet(set, { readBase: async () => encoder.encode(base), readCurrent: async () => encoder.encode(current) })
		return file?.content ? decoder.decode(file.content) : null
	} catch (error) {
		if (isAppError(error) && error.code === 'PATCH_CONFLICT') return null
		throw error
	}
}

function textOf(result: ReturnType<typeof mergeText>): string | null {
	return result.kind === 'clean' ? result.text : null
}

function jsdiff(fuzzFactor: number): Engine['land'] {
	return ({ structured, current }) => {
		const applied = applyPatch(current, structured, { fuzzFactor, autoConvertLineEndings: false })
		return applied === false ? null : applied
	}
}

function nodeDiff3({ base, current, target }: Prepared): string | null {
	const pieces: string[] = []
	for (const region of diff3Merge(splitLines(current), splitLines(base), splitLines(target), { excludeFalseConflicts: true })) {
		if (region.ok === undefined) return null
		pieces.push(joinLines(region.ok))
	}
	return pieces.join('')
}

function blind({ set, current }: Prepared): string | null {
	try {
		return applyOperations(current, set.patches)
	} catch {
		return null
	}
}
