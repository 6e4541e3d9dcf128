import { expect, it } from 'vitest'
import { evidenceOf } from './evidence.ts'

const validated = (...commands: [command: string, verdict: string][]) => ({ eventType: 'validated', metadata: { treeId: 'a', commands: commands.map(([command, verdict]) => ({ command, verdict, outputTail: `output of ${command}`, base: null })) } })

it('tells what the newest validation ran, and what of it did not pass', () => {
	const events = [validated(['old', 'passed']), { eventType: 'moved', metadata: {} }, validated(['npm test', 'passed'], ['lint', 'pre-existing']), { eventType: 'landed', metadata: {} }]
	expect(evidenceOf(events)).toEqual([
		{ name: 'npm test', isPassed: true, output: 'output of npm test' },
		{ name: 'lint (pre-existing)', isPassed: false, output: 'output of lint' },
	])
})

it.each([
	['there was none', []],
	['its event says nothing', [{ eventType: 'validated', metadata: {} }]],
	['its event is of another kind', [{ eventType: 'validated', metadata: { commands: 'npm test' } }]],
])('tells nothing where %s', (_what, events) => {
	expect(evidenceOf(events)).toEqual([])
})
