import { readFileSync } from 'node:fs'
import { AppError, FileMode, PatchSet } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { renderVectors } from '../vectors/render.ts'
import { applyToTree } from './testing/applyToTree.ts'
import type { Tree } from './testing/gitRepository.ts'

interface VectorFile {
	text?: string
	base64?: string
	mode: string
}

interface Vector {
	name: string
	base: Record<string, VectorFile>
	patch_set: PatchSet
	expect: { files: Record<string, VectorFile> } | { error: string; rule?: string }
}

const path = new URL('../vectors/apply.json', import.meta.url)
const vectors: Vector[] = JSON.parse(readFileSync(path, 'utf8'))

function bytesOf({ text, base64 }: VectorFile): Uint8Array {
	return text === undefined ? new Uint8Array(Buffer.from(base64 ?? '', 'base64')) : new TextEncoder().encode(text)
}

function treeOf(files: Record<string, VectorFile>): Tree {
	return new Map(Object.entries(files).map(([name, file]) => [name, { content: bytesOf(file), mode: FileMode.parse(file.mode) }]))
}

describe('vectors/apply.json', () => {
	it('is what vectors/generate.ts writes', async () => {
		expect(readFileSync(path, 'utf8')).toBe(await renderVectors())
	})

	it('names each case once', () => {
		expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
		expect(vectors.length).toBeGreaterThan(80)
	})

	it.each(vectors)('$name', async ({ base, patch_set: set, expect: expected }) => {
		const tree = treeOf(base)
		if ('files' in expected) {
			expect(await applyToTree(tree, PatchSet.parse(set))).toEqual(treeOf(expected.files))
			return
		}
		const error = await applyToTree(tree, set).catch((reason: unknown) => reason)
		expect(error).toBeInstanceOf(AppError)
		expect(error).toMatchObject({ code: expected.error, ...(expected.rule === undefined ? {} : { details: { rule: expected.rule } }) })
		expect(tree).toEqual(treeOf(base))
	})
})
