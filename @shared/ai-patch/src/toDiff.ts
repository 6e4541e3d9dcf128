import type { FileMode, PatchSet } from '@shared/contracts'
import { applyFile, type LoadedFile, loadBases, type ReadBase } from './apply.ts'
import { type Edit, planEdits } from './edits.ts'
import { NULL_OBJECT_ID } from './gitObjects.ts'
import { splitLines } from './lines.ts'
import { quotePath } from './quotePath.ts'
import { decodeText } from './text.ts'
import { writeHunks } from './writeHunks.ts'

export interface DiffOutputOptions {
	/** The mode of a file of the base. Without it every edited or renamed file states its new mode, for a set does not keep the old one. */
	readBaseMode?: (path: string) => Promise<FileMode | null>
}

/**
 * The set as a unified diff that `git apply` takes; applied to the base it gives the same tree. The set is proved against its base
 * first, with the errors of `applyPatchSet`.
 */
export async function patchSetToDiff(set: PatchSet, readBase: ReadBase, options: DiffOutputOptions = {}): Promise<string> {
	const sections: string[] = []
	for (const loaded of await loadBases(set, readBase)) {
		await applyFile(loaded)
		const { change, from, path } = loaded.file
		const isKept = change === 'modify' || change === 'rename'
		const oldMode = isKept ? ((await options.readBaseMode?.(from ?? path)) ?? null) : null
		sections.push(writeSection(loaded, oldMode))
	}
	return sections.join('')
}

function writeSection(loaded: LoadedFile, oldMode: FileMode | null): string {
	const { path, from = path, change, base_blob, result_blob } = loaded.file
	const hunks = sectionHunks(loaded)
	const modes = modeLines(loaded, { oldMode, isAlone: hunks === '' })
	// git takes a section without a change for garbage.
	if (change === 'modify' && hunks === '' && modes.length === 0) return ''
	const lines = [`diff --git ${quotePath(`a/${from}`)} ${quotePath(`b/${path}`)}`, ...modes]
	if (change === 'rename') lines.push(`rename from ${quotePath(from)}`, `rename to ${quotePath(path)}`)
	if (base_blob !== result_blob) lines.push(`index ${base_blob ?? NULL_OBJECT_ID}..${result_blob ?? NULL_OBJECT_ID}`)
	const header = lines.map((line) => `${line}\n`).join('')
	const oldName = fileName('a', change === 'create' ? null : from)
	const newName = fileName('b', change === 'delete' ? null : path)
	// A delete is the one change that reaches a file which is not text; git knows by the index line what goes.
	if (hunks === null) return `${header}Binary files ${oldName} and ${newName} differ\n`
	return hunks === '' ? header : `${header}--- ${oldName}\n+++ ${newName}\n${hunks}`
}

/** Empty if no line changes, null if lines go that are not text. */
function sectionHunks({ file: { change }, operations, base }: LoadedFile): string | null {
	if (operations.length === 0 && change !== 'delete') return ''
	const text = decodeText(base)
	if (text === null) return null
	const lines = splitLines(text)
	return writeHunks(lines, change === 'delete' ? wholeFile(lines) : planEdits(lines.length, operations))
}

function modeLines({ file: { change, mode } }: LoadedFile, { oldMode, isAlone }: { oldMode: FileMode | null; isAlone: boolean }): string[] {
	if (change === 'create') return [`new file mode ${mode}`]
	if (change === 'delete') return [`deleted file mode ${mode}`]
	if (oldMode !== null && change !== 'mode') return oldMode === mode ? [] : [`old mode ${oldMode}`, `new mode ${mode}`]
	// Beside other changes git needs the new mode only; alone it wants to see two that differ, and there are but two.
	return isAlone && change !== 'rename' ? [`old mode ${mode === '100644' ? '100755' : '100644'}`, `new mode ${mode}`] : [`new mode ${mode}`]
}

function wholeFile(lines: readonly string[]): Edit[] {
	return lines.length === 0 ? [] : [{ start: 0, end: lines.length, text: '' }]
}

// A name with a space is followed by a tab, or a reader would take what follows the space for a time stamp.
function fileName(side: 'a' | 'b', path: string | null): string {
	if (path === null) return '/dev/null'
	return quotePath(`${side}/${path}`) + (path.includes(' ') ? '\t' : '')
}
