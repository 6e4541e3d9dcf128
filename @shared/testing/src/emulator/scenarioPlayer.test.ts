import type { Scenario } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { play } from './scenarioPlayer.ts'
import type { AgentRequest, ToolResult } from './types.ts'

const request = (...tools: string[]): AgentRequest => ({ model: 'm', isStream: false, turns: [], cwd: '/repo', tools: new Set(tools) })
const scenario = (...steps: Scenario['steps']): Scenario => ({ name: 'x', match: '.', steps })
const ok = (text: string, tool = 'Bash'): ToolResult => ({ tool, text, isError: false })

describe('play', () => {
	it('closes with words of its own when the scenario has none', () => {
		expect(play(scenario(), request(), [])).toEqual({ text: 'Played the 0 steps of scenario "x". [model emulator]' })
		expect(play(scenario({ shell: 'ls' }), request('Bash'), [ok('')])).toEqual({ text: 'Played the 1 steps of scenario "x". [model emulator]' })
	})

	it('does not sign twice', () => {
		expect(play(scenario({ say: '[model emulator] hello' }), request(), [])).toEqual({ text: '[model emulator] hello' })
	})

	it('says words before a step once, with its first call', () => {
		const spoken = scenario({ say: 'Reading.' }, { edit: { path: 'a', old: 'x', new: 'y' } })
		const tools = request('exec_command', 'apply_patch')
		expect(play(spoken, tools, [])).toMatchObject({ text: 'Reading. [model emulator]', call: { name: 'exec_command' } })
		expect(play(spoken, tools, [ok('Output:\nx\n')])).toEqual({ call: { name: 'apply_patch', input: expect.stringContaining('-x\n+y') } })
	})

	it.each([['shell', { shell: 'ls' }], ['edit', { edit: { path: 'a', old: 'x', new: 'y' } }], ['shell', { write: { path: 'a', content: 'x' } }]])(
		'says so when the request offers no tool for %s',
		(word, step) => {
			expect(play(scenario(step), request('Read'), [])).toEqual({ text: expect.stringContaining(`offers no tool for a ${word} step`) })
		},
	)

	it('stops with the reason when the text to replace is not there', () => {
		const edit = scenario({ edit: { path: 'a.ts', old: 'x', new: 'y' } }, { say: 'Done.' })
		const reply = play(edit, request('exec_command', 'apply_patch'), [ok('Process exited with code 1\nOutput:\n')])
		expect(reply).toEqual({ text: 'Step 1 of scenario "x" failed: a.ts does not contain "x" [model emulator]' })
	})

	it.each(['No match found: old_str not found in /repo/a', 'Error: denied', 'apply_patch verification failed: no lines'])('takes "%s" for a failure', (text) => {
		const edit = scenario({ edit: { path: 'a', old: 'x', new: 'y' } }, { say: 'Done.' })
		expect(play(edit, request('edit'), [ok(text, 'edit')]).text).toContain('Step 1 of scenario "x" failed')
	})

	it('does not take the output of a failing command for a failed step', () => {
		expect(play(scenario({ shell: 'npm test' }, { say: 'Done.' }), request('Bash'), [ok('Error: 1 test failed')])).toEqual({ text: 'Done. [model emulator]' })
	})

	it('polls a running command until it ends', () => {
		const tools = request('exec_command')
		const running = ok('Process running with session ID 7\n', 'exec_command')
		expect(play(scenario({ shell: 'sleep 60' }), tools, [running])).toMatchObject({ call: { name: 'write_stdin', input: { session_id: 7 } } })
		expect(play(scenario({ shell: 'sleep 60' }), tools, [running, running])).toMatchObject({ call: { name: 'write_stdin' } })
		expect(play(scenario({ shell: 'sleep 60' }, { say: 'Slept.' }), tools, [running, running, ok('')])).toEqual({ text: 'Slept. [model emulator]' })
	})

	it('leaves a relative path alone when the working directory is not known', () => {
		const { cwd: _cwd, ...rest } = request('Edit')
		const reply = play(scenario({ edit: { path: 'a', old: 'x', new: 'y' } }), { ...rest, cwd: undefined }, [])
		expect(reply.call?.input).toMatchObject({ file_path: 'a' })
	})
})
