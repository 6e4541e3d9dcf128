import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { MergeCase } from '../../vectors/merges.ts'
import { renderMerges } from '../../vectors/render.ts'
import { gitMergeFiles } from '../testing/gitMergeFile.ts'
import { mergeText } from './mergeText.ts'

const path = new URL('../../vectors/merge.json', import.meta.url)
const vectors: MergeCase[] = JSON.parse(readFileSync(path, 'utf8'))

describe('vectors/merge.json', () => {
	it('is what vectors/generate.ts writes', () => {
		expect(readFileSync(path, 'utf8')).toBe(renderMerges())
		expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
		expect(vectors.length).toBeGreaterThan(25)
	})

	it.each(vectors)('$name', ({ base, ours, theirs, expect: expected }) => {
		const result = mergeText({ base, ours, theirs })
		const seen = result.kind === 'clean' ? { clean: result.text } : { conflict: result.hunks.map((hunk) => [hunk.base.start, hunk.base.end]) }
		expect(seen).toEqual(expected)
	})

	it('is what git makes of them', () => {
		const expected = vectors.map((vector) => ('clean' in vector.expect ? vector.expect.clean : null))
		expect(gitMergeFiles(vectors)).toEqual(expected)
	})
})
