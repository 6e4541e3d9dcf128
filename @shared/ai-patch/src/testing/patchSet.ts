// For tests only: patch sets with the parts that do not matter filled in.
import type { AIPatch, FileChange, PatchSet } from '@shared/contracts'
import { blobId } from '../gitObjects.ts'
import { encodeText } from '../text.ts'

export function patchSet(files: FileChange[], patches: AIPatch[] = []): PatchSet {
	return {
		patch_set_id: 'PST-0000000000000000',
		task_id: 'TSK-000000000000',
		execution_id: 'EXE-0000000000000000',
		base_commit: '0'.repeat(40),
		files,
		patches,
		summary: '',
		metadata: { provider: 'codex' },
	}
}

export async function modify(path: string, texts: { from: string; to: string }): Promise<FileChange> {
	const base_blob = await blobId(encodeText(texts.from))
	return { path, change: 'modify', mode: '100644', base_blob, result_blob: await blobId(encodeText(texts.to)) }
}

const common = { task_id: 'TSK-000000000000', metadata: { provider: 'codex' } }

export function replaceBlock(file: string, span: readonly [start: number, end: number], block: string): AIPatch {
	return { ...common, file, operation: 'replace-block', start: span[0], end: span[1], block }
}

export function insertAfter(file: string, line: number, block: string): AIPatch {
	return { ...common, file, operation: 'insert-after', line, block }
}

export function insertBefore(file: string, line: number, block: string): AIPatch {
	return { ...common, file, operation: 'insert-before', line, block }
}

export function append(file: string, block: string): AIPatch {
	return { ...common, file, operation: 'append', block }
}
