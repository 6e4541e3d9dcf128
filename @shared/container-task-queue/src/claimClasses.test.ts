import { expect, it } from 'vitest'
import { kindsOf, targetsOf } from './claimClasses.ts'

it('lets a runner take what is meant for anybody or for itself', () => {
	expect(targetsOf({ workerName: 'w', containerName: 'c' })).toEqual([
		{ targetWorker: null, targetContainer: null },
		{ targetWorker: null, targetContainer: 'c' },
		{ targetWorker: 'w', targetContainer: null },
		{ targetWorker: 'w', targetContainer: 'c' },
	])
})

it('lets it take what asks for nothing or for what it has, each once', () => {
	expect(kindsOf({ taskTypes: ['command', 'validate', 'command'], capabilities: ['x', 'x'] })).toEqual([
		{ taskType: 'command', requires: null },
		{ taskType: 'command', requires: 'x' },
		{ taskType: 'validate', requires: null },
		{ taskType: 'validate', requires: 'x' },
	])
})
