import { expect, it } from 'vitest'
import { bringInAgents, needsAgents } from './agentCLIs.ts'

it('knows the suites that start agents', () => {
	expect(needsAgents({ files: ['src/a.test.ts', 'src/cliCache.realCLIs.test.ts'] })).toBe(true)
	expect(needsAgents({ files: ['test/e2e/landing.e2e.test.ts'] })).toBe(true)
	expect(needsAgents({ files: ['src/a.test.ts', 'test/landing.node.test.ts'] })).toBe(false)
})

it('asks for all at once, and says what cannot be had', async () => {
	const [lines, asked]: [string[], string[]] = [[], []]
	await bringInAgents(
		(line) => lines.push(line),
		async (name) => {
			asked.push(name)
			if (name === 'codex') throw new Error('npm could not install codex')
		},
	)
	expect(asked).toEqual(['codex', 'claude', 'gemini', 'copilot'])
	expect(lines).toEqual(['npm could not install codex'])
})
