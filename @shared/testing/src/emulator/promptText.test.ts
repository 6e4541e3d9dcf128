import { describe, expect, it } from 'vitest'
import { createTurnCollector, findWorkingDirectory, stripContext } from './promptText.ts'

describe('stripContext', () => {
	it.each([
		['<system-reminder>\nfix add\n</system-reminder>', ''],
		['<system-reminder>a</system-reminder>\nhello\n<system-reminder>b</system-reminder>', 'hello'],
		['<current_datetime>2026-01-01</current_datetime>\n\nhello', 'hello'],
		['# AGENTS.md instructions for /repo\n\n<INSTRUCTIONS>\nfix add\n</INSTRUCTIONS>', ''],
		['a <b> c', 'a <b> c'],
	])('of %j is %j', (text, expected) => {
		expect(stripContext(text)).toBe(expected)
	})
})

describe('findWorkingDirectory', () => {
	it.each([
		['<environment_context>\n  <cwd>/a/b c</cwd>\n</environment_context>', '/a/b c'],
		[' - Primary working directory: /a\n - Is a git repository: true', '/a'],
		['* Current working directory: /a\n* Git repository root: /', '/a'],
		['- **Workspace Directories:**\n  - /a\n- **Directory Structure:**', '/a'],
		['Current working directory: nowhere', undefined],
		['', undefined],
	])('in %j is %s', (text, expected) => {
		expect(findWorkingDirectory([text])).toBe(expected)
	})

	it('takes the first text that names one', () => {
		expect(findWorkingDirectory(['none', '<cwd>/a</cwd>', '<cwd>/b</cwd>'])).toBe('/a')
	})
})

describe('createTurnCollector', () => {
	it('opens a turn for words of the user only', () => {
		const collector = createTurnCollector()
		collector.prompt('hello')
		collector.result({ tool: 'Edit', text: 'done', isError: false })
		collector.prompt('<system-reminder>Remember.</system-reminder>')
		collector.result({ tool: 'Bash', text: 'ran', isError: false })
		expect(collector.turns).toMatchObject([{ prompt: 'hello', results: [{ tool: 'Edit' }, { tool: 'Bash' }] }])
	})

	it('keeps results that come before any words', () => {
		const collector = createTurnCollector()
		collector.result({ tool: 'Edit', text: 'done', isError: false })
		expect(collector.turns).toMatchObject([{ prompt: '', results: [{ tool: 'Edit' }] }])
	})
})
