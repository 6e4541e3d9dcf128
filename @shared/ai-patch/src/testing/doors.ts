// For tests only: everything that takes a patch set, watched.
import { AppError, isAppError, type PatchSet } from '@shared/contracts'
import { applyPatchSet } from '../apply.ts'
import { forecastCollisions } from '../collisions/forecastCollisions.ts'
import { patchSetFromPatches } from '../handWritten.ts'
import { landPatchSet, revertPatchSet } from '../landing/landPatchSet.ts'
import { pathProblem } from '../paths.ts'
import { patchSetToDiff } from '../toDiff.ts'
import { readFrom, type Tree } from './gitRepository.ts'

/** Readers of a tree that throw for a path that leads out of it. */
function watched(tree: Tree) {
	const inside = (path: string) => {
		const rule = pathProblem(path)
		if (rule !== null) throw new Error(`Read outside of the workspace: ${JSON.stringify(path)} (${rule})`)
	}
	const read = readFrom(tree)
	return {
		read: async (path: string) => {
			inside(path)
			return read(path)
		},
		mode: async (path: string) => {
			inside(path)
			return tree.get(path)?.mode ?? null
		},
	}
}

/**
 * What each door answers: 'ok' or the code of an AppError. Throws for any other error, for a read or a result outside of the
 * workspace, and for a prototype that has been written to.
 */
export async function meetDoors(set: PatchSet, { base, current }: { base: Tree; current: Tree }): Promise<Record<string, string>> {
	const [old, now] = [watched(base), watched(current)]
	const branch = { readBase: old.read, readBaseMode: old.mode, readCurrent: now.read, readCurrentMode: now.mode }
	const doors: Record<string, () => Promise<unknown>> = {
		apply: () => applyPatchSet(set, old.read),
		land: () => landPatchSet(set, branch),
		revert: () => revertPatchSet(set, branch),
		diff: () => patchSetToDiff(set, old.read, branch),
		forecast: () => forecastCollisions([set, otherThan(set)]),
		handWritten: () => patchSetFromPatches(set.patches, branch),
	}
	const answers: Record<string, string> = {}
	for (const [name, door] of Object.entries(doors)) answers[name] = await answerOf(door)
	if ('polluted' in {}) throw new Error('A prototype has been written to.')
	return answers
}

/** The same edits to another end, so that all of them collide. */
function otherThan(set: PatchSet): PatchSet {
	const files = set.files.map((file) => (file.change === 'modify' ? { ...file, result_blob: 'e'.repeat(40) } : file))
	return { ...set, patch_set_id: 'other', files }
}

/** 'ok' or the code of an AppError; any other error is thrown on. */
export async function answerOf(door: () => Promise<unknown>): Promise<string> {
	try {
		checkPaths(await door())
		return 'ok'
	} catch (error) {
		if (error instanceof AppError && isAppError(error)) return error.code
		throw error
	}
}

function checkPaths(result: unknown): void {
	const list: unknown = typeof result === 'object' && result !== null && 'files' in result ? result.files : result
	for (const file of Array.isArray(list) ? list : []) {
		for (const path of [Reflect.get(Object(file), 'path'), Reflect.get(Object(file), 'from')]) {
			if (typeof path === 'string' && pathProblem(path) !== null) throw new Error(`Would write outside of the workspace: ${JSON.stringify(path)}`)
		}
	}
}
