import { describe, expect, it } from 'vitest'
import { judgeCommand } from './judgeCommand.ts'
import type { CommandRun } from './judgeCommand.ts'

const dirs = { root: '/r', work: '/r/work', home: '/r/home', tmp: '/r/tmp' }
const run = (more: Partial<CommandRun>): CommandRun => ({ exitCode: 1, durationMs: 1, timedOut: false, output: '', isCut: false, dirs, ...more })
const failing = (...names: string[]): Partial<CommandRun> => ({ output: names.map((name, index) => `not ok ${index} - ${name}\n`).join('') })
const stopped: Partial<CommandRun> = { exitCode: null, timedOut: true }

describe('judgeCommand', () => {
	it.each<[string, Partial<CommandRun>, Partial<CommandRun> | null, string, string[]]>([
		['passes', { exitCode: 0, ...failing('a') }, null, 'passed', []],
		['fails and the base was not run', failing('a'), null, 'inconclusive', []],
		['fails and the base passes', failing('a', 'b'), { exitCode: 0 }, 'new-failure', ['not ok - a', 'not ok - b']],
		['fails without a name and the base passes', {}, { exitCode: 0 }, 'new-failure', []],
		['fails like the base', failing('a'), failing('b', 'a'), 'pre-existing', []],
		['fails like the base, with a count as exit code', { ...failing('a'), exitCode: 1 }, { ...failing('a', 'b'), exitCode: 2 }, 'pre-existing', []],
		['fails in one place more', failing('a', 'c'), failing('b', 'a'), 'new-failure', ['not ok - c']],
		['fails twice in the same words', failing('a', 'a'), failing('a'), 'new-failure', ['not ok - a (2 times, 1 on the base)']],
		['names what the base does not name', failing('a'), {}, 'new-failure', ['not ok - a']],
		['names nothing, the base does', {}, failing('a'), 'inconclusive', []],
		['names nothing, as the base', {}, {}, 'inconclusive', []],
		['names the same and is killed', { ...failing('a'), exitCode: 137 }, failing('a'), 'inconclusive', []],
		['names the same, and both die alike', { ...failing('a'), exitCode: 139 }, { ...failing('a'), exitCode: 139 }, 'pre-existing', []],
		['is stopped, the base passes', stopped, { exitCode: 0 }, 'new-failure', []],
		['is stopped, the base fails', stopped, failing('a'), 'new-failure', []],
		['is stopped, as the base', stopped, stopped, 'inconclusive', []],
		['is stopped, and the base was not run', stopped, null, 'inconclusive', []],
		['fails, the base is stopped', failing('a'), { ...failing('a'), ...stopped }, 'inconclusive', []],
		['names the same, as far as the output is kept', { ...failing('a'), isCut: true }, failing('a'), 'inconclusive', []],
		['names more than is kept of the base', failing('a'), { ...failing('b'), isCut: true }, 'inconclusive', []],
	])('a command that %s', (_what, candidate, base, verdict, newFailures) => {
		expect(judgeCommand(run(candidate), base && run(base))).toEqual({ verdict, newFailures })
	})

	it('keeps the list and its lines short', () => {
		const { newFailures } = judgeCommand(run(failing(...Array.from({ length: 300 }, (_, index) => `${'x'.repeat(900)}${index}`))), run({ exitCode: 0 }))
		expect(newFailures).toHaveLength(200)
		expect(Math.max(...newFailures.map((name) => name.length))).toBe(500)
	})
})
