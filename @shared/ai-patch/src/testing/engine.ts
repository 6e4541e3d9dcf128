// For tests only: this engine as a program, for tests that are written in another language. `node engine.ts` reads one request a line
// and writes one answer a line: the merged text, the files after the request (path -> [text, mode]), or { error: <code> }.
import { createInterface } from 'node:readline'
import { AIPatch, type FileMode, isAppError, PatchSet } from '@shared/contracts'
import { patchSetFromPatches } from '../handWritten.ts'
import { landPatchSet, revertPatchSet } from '../landing/landPatchSet.ts'
import { mergeText } from '../merge/mergeText.ts'
import { patchSetToDiff } from '../toDiff.ts'
import { applyToTree } from './applyToTree.ts'
import { bytesOf, readFrom, type Tree } from './gitRepository.ts'
import { patchSet } from './patchSet.ts'

type Files = Record<string, [text: string, mode: FileMode]>

interface Request {
	merge?: [base: string, ours: string, theirs: string]
	apply?: unknown
	diff?: unknown
	land?: unknown
	revert?: unknown
	handWritten?: unknown[]
	base?: Files
	current?: Files
}

async function answer({ merge, apply, diff, land, revert, handWritten, base: baseFiles = {}, current: currentFiles = {} }: Request): Promise<unknown> {
	if (merge !== undefined) {
		const merged = mergeText({ base: merge[0], ours: merge[1], theirs: merge[2] })
		return merged.kind === 'clean' ? { text: merged.text } : { hunks: merged.hunks.map(({ base: { start, end } }) => [start, end]) }
	}
	const [base, current] = [treeOf(baseFiles), treeOf(currentFiles)]
	const branch = { readBase: readFrom(base), readBaseMode: modeOf(base), readCurrent: readFrom(current), readCurrentMode: modeOf(current) }
	if (handWritten !== undefined) {
		const made = await patchSetFromPatches(handWritten.map((patch) => AIPatch.parse(patch)), branch)
		return { files: filesOf(await applyToTree(base, patchSet(made.files, made.patches))) }
	}
	const parsed = PatchSet.safeParse(apply ?? diff ?? land ?? revert)
	if (!parsed.success) return { error: 'PATCH_INVALID' }
	if (apply !== undefined) return { files: filesOf(await applyToTree(base, parsed.data)) }
	if (diff !== undefined) return { diff: await patchSetToDiff(parsed.data, branch.readBase, branch) }
	const landed = await (land === undefined ? revertPatchSet : landPatchSet)(parsed.data, branch)
	const written = landed.filter(({ landing }) => landing !== 'already-applied')
	for (const { path, from, content } of written) {
		if (from !== undefined) current.delete(from)
		if (content === null) current.delete(path)
	}
	for (const { path, content, mode } of written) if (content !== null) current.set(path, { content, mode })
	return { files: filesOf(current) }
}

function treeOf(files: Files): Tree {
	return new Map(Object.entries(files).map(([path, [content, mode]]) => [path, { content, mode }]))
}

function modeOf(tree: Tree): (path: string) => Promise<FileMode | null> {
	return async (path) => tree.get(path)?.mode ?? null
}

function filesOf(tree: Tree): Files {
	return Object.fromEntries([...tree].map(([path, file]) => [path, [Buffer.from(bytesOf(file)).toString(), file.mode]]))
}

for await (const line of createInterface({ input: process.stdin })) {
	let said: unknown
	try {
		said = await answer(JSON.parse(line))
	} catch (error) {
		if (!isAppError(error)) throw error
		said = { error: error.code }
	}
	process.stdout.write(`${JSON.stringify(said)}\n`)
}
