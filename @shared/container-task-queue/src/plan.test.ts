import { describe, expect, it } from 'vitest'
import { planEdges, planProblem } from './plan.ts'

const node = (key: string, ...dependsOn: string[]) => ({ key, dependsOn })

describe('planEdges', () => {
	it('knows keys of the plan from ids of other tasks, and each edge once', () => {
		expect(planEdges([node('b', 'a', 'CTK-1', 'a'), node('a'), { dependsOn: ['b'] }])).toEqual([
			{ from: 0, on: 1 },
			{ from: 0, on: 'CTK-1' },
			{ from: 2, on: 0 },
		])
	})
})

describe('planProblem', () => {
	it.each([
		{ name: 'tasks without names', nodes: [{ dependsOn: [] }, { dependsOn: [] }] },
		{ name: 'a diamond, last first', nodes: [node('d', 'b', 'c'), node('c', 'a'), node('b', 'a'), node('a')] },
		{ name: 'a long chain', nodes: Array.from({ length: 100 }, (_, n) => node(`t${n}`, ...(n > 0 ? [`t${n - 1}`] : []))) },
		{ name: 'ids of other tasks', nodes: [node('a', 'CTK-1')] },
	])('finds none in $name', ({ nodes }) => {
		expect(planProblem(nodes)).toBeNull()
	})

	it.each([
		{ name: 'a task that waits for itself', nodes: [node('a', 'a')], says: /tasks a wait/ },
		{ name: 'a circle, and what waits for it', nodes: [node('a', 'c'), node('b', 'a'), node('c', 'b'), node('d', 'c'), node('e')], says: /tasks a, b, c, d wait/ },
		{ name: 'two of one name', nodes: [node('a'), node('a')], says: /Two tasks have the key a/ },
	])('names $name', ({ nodes, says }) => {
		expect(planProblem(nodes)).toMatch(says)
	})
})
