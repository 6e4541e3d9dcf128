import { type AIPatch, AppError, type FileChange } from '@shared/contracts'

/** One file of a diff as it stands in a patch set. */
export interface Converted {
	file: FileChange
	operations: AIPatch[]
}

/** A file that no patch set can carry. */
export interface Refusal {
	path: string
	reason: string
}

/** Why a mode is none of a regular file. */
export function modeProblem(mode: string): string {
	if (mode === '120000') return 'symbolic link'
	return mode === '160000' ? 'submodule' : `mode ${mode}`
}

/** `files` and `patches` of all of these, in their order. Throws PATCH_BINARY_UNSUPPORTED with every file that cannot be carried. */
export async function convertAll<Item>(items: Iterable<Item>, convert: (item: Item) => Promise<Converted | Refusal>): Promise<{ files: FileChange[]; patches: AIPatch[] }> {
	const files: FileChange[] = []
	const patches: AIPatch[] = []
	const refusals: Refusal[] = []
	for (const item of items) {
		const converted = await convert(item)
		if ('reason' in converted) {
			refusals.push(converted)
			continue
		}
		files.push(converted.file)
		for (const operation of converted.operations) patches.push(operation)
	}
	refuse('PATCH_BINARY_UNSUPPORTED', refusals)
	return { files, patches }
}

/** Throws `code` with all of `files`, if there are any. */
export function refuse(code: 'PATCH_FILE_UNSUPPORTED' | 'PATCH_BINARY_UNSUPPORTED', files: Refusal[]): void {
	if (files.length === 0) return
	const shown = files.slice(0, 10).map(({ path, reason }) => `${JSON.stringify(path)} (${reason})`)
	const more = files.length > shown.length ? ` and ${files.length - shown.length} more` : ''
	throw new AppError(code, `A patch set carries UTF-8 text files only. Take back the changes to ${shown.join(', ')}${more}.`, { files })
}
