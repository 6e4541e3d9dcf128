import { expect, it } from 'vitest'
import { boundConflicts, boundPaths } from './conflicts.ts'

it('keeps as many paths as a row takes, and counts the others', () => {
	expect(boundPaths(['a', 'b'])).toEqual(['a', 'b'])
	const bounded = boundPaths(Array.from({ length: 10_000 }, (_, at) => `${String(at).padStart(5, '0')}${'x'.repeat(95)}`))
	expect(bounded).toHaveLength(2001)
	expect(bounded.at(-1)).toBe('(and 8000 more)')
})

it('keeps no more of a conflict than a row takes, and nothing of what is none', () => {
	const side = { start: 1, end: 2, text: 'x'.repeat(10_000) }
	const conflict = { path: 'f', kind: 'content', reason: 'line 1', hunks: Array.from({ length: 100 }, () => ({ base: side, ours: side, theirs: side })) }
	const bounded = boundConflicts(Array.from({ length: 100 }, () => conflict))
	expect(bounded).toHaveLength(50)
	expect(bounded[0]).toMatchObject({ path: 'f', hunkCount: 100 })
	expect(JSON.stringify(bounded).length).toBeLessThan(250_000)
	expect([boundConflicts(undefined), boundConflicts([{ path: 1 }])]).toEqual([[], []])
})
