import { type AIPatch, AppError, type FileChange, type FileMode } from '@shared/contracts'
import type { Edit } from './edits.ts'
import { blobId } from './gitObjects.ts'
import { joinLines, splitLines } from './lines.ts'
import { createLineIds } from './merge/lineIds.ts'
import { readDown } from './merge/readings.ts'
import { decodeText } from './text.ts'
import { toOperations, type Writer } from './toOperations.ts'

/** One file before and after; null for no file. */
export interface FileContents {
	path: string
	/** Only where the file moves: the path it has before. */
	from?: string
	before: Uint8Array | null
	after: Uint8Array | null
	modeBefore: FileMode | null
	/** The mode afterwards; of a file that goes, the mode it had. */
	mode: FileMode
}

/**
 * The `files` and `patches` that turn the contents before into those after. A file that stays as it is is left out.
 * Throws PATCH_BINARY_UNSUPPORTED, with the file, where text is needed and there is none.
 */
export async function patchSetFromContents(contents: readonly FileContents[], by: Writer): Promise<{ files: FileChange[]; patches: AIPatch[] }> {
	const files: FileChange[] = []
	const patches: AIPatch[] = []
	for (const each of contents) {
		const change = await changeOf(each)
		if (change === null) continue
		files.push(change)
		if (change.change === 'delete' || change.base_blob === change.result_blob) continue
		const [base, result] = [textOf(each.path, each.before), textOf(each.path, each.after)]
		const operations = toOperations(editsBetween(base, result), { file: each.path, lineCount: base.length, by })
		for (const operation of operations) patches.push(operation)
	}
	return { files, patches }
}

async function changeOf({ path, from, before, after, mode, modeBefore }: FileContents): Promise<FileChange | null> {
	const base_blob = before && (await blobId(before))
	const result_blob = after && (await blobId(after))
	const common = { path, mode, base_blob, result_blob }
	if (base_blob === null) return result_blob === null ? null : { ...common, change: 'create' }
	if (result_blob === null) return { ...common, change: 'delete' }
	if (from !== undefined) return { ...common, change: 'rename', from }
	if (base_blob !== result_blob) return { ...common, change: 'modify' }
	return modeBefore === mode ? null : { ...common, change: 'mode' }
}

function textOf(path: string, bytes: Uint8Array | null): string[] {
	const text = bytes === null ? '' : decodeText(bytes)
	if (text !== null) return splitLines(text)
	throw new AppError('PATCH_BINARY_UNSUPPORTED', `${JSON.stringify(path)} is not UTF-8 text; patches carry text only.`, { files: [{ path, reason: 'not UTF-8 text' }] })
}

function editsBetween(base: readonly string[], result: readonly string[]): Edit[] {
	const ids = createLineIds()
	const { hunks } = readDown(ids.of(base), ids.of(result))
	return hunks.map(({ aStart, aEnd, bStart, bEnd }) => ({ start: aStart, end: aEnd, text: joinLines(result.slice(bStart, bEnd)) }))
}
