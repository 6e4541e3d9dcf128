import { mergeText } from '@shared/ai-patch'
import { describe, expect, it } from 'vitest'
import { run } from './patch.ts'
import { IN_PROCESS, prepare } from './patchEngines.ts'
import { generatedConflicts, generatedDrift } from './patchGenerated.ts'

describe('the generated corpora', () => {
	const [drift, conflict] = [generatedDrift(5, 60), generatedConflicts(5, 60)]

	it('are determined by the seed', () => {
		expect(generatedDrift(5, 60)).toEqual(drift)
		expect(generatedDrift(6, 60)).not.toEqual(drift)
	})

	it('have something to do in every case, and a truth that a merge finds', () => {
		for (const { base, target, current, truth } of drift.cases) {
			expect(new Set([base, target, current, truth]).size).toBe(4)
			expect(mergeText({ base, ours: current, theirs: target })).toEqual({ kind: 'clean', text: truth })
		}
	})

	it('have conflicts that are conflicts', () => {
		for (const { base, target, current } of conflict.cases) expect(mergeText({ base, ours: current, theirs: target }).kind).toBe('conflict')
	})

	it('come to every engine in a form that gives the target on the base', async () => {
		expect(IN_PROCESS.length).toBeGreaterThan(4)
		for (const patchCase of drift.cases.slice(0, 10)) {
			const prepared = await prepare({ ...patchCase, current: patchCase.base })
			for (const { land } of IN_PROCESS) expect(await land(prepared)).toBe(patchCase.target)
		}
	})
})

it.each([['--cases', 'x'], ['--cases', '0'], ['--nonsense'], ['--seed', '1.5']])('refuses %s %s', async (...args) => {
	expect(await run(args.filter((arg) => arg !== undefined))).toBe(2)
})
