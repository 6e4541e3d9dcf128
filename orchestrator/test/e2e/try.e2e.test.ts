import { expect, it } from 'vitest'
import { order, providerStatus, sharedStack } from './support/stack.ts'
const shared = sharedStack({ runner: { extraArgs: ['--concurrency', '8'] } })
it('429', { timeout: 200000 }, async () => {
	const runs = (['codex', 'claude', 'gemini', 'copilot'] as const).flatMap((provider) => [
		[provider, { status: 429 }], [provider, { status: 429, retryAfterS: 45 }], [provider, { status: 500 }],
	] as const)
	await Promise.all(runs.map(async ([provider, fault]) => {
		const t0 = Date.now()
		const done = await order(shared.stack, { provider, stallMs: 100000, scenario: { fault } }).catch((e) => String(e))
		if (typeof done === 'string') return console.log(provider, fault, done)
		const n = shared.stack.emulator?.requests.filter((r) => r.scenario?.startsWith(done.token)).length
		console.log(provider, JSON.stringify(fault), Date.now() - t0, done.execution.durationMs, 'requests', n, JSON.stringify(done.execution.error))
	}))
	for (const p of ['codex', 'claude', 'gemini', 'copilot']) console.log(JSON.stringify(await providerStatus(shared.stack, p)))
	expect(1).toBe(1)
})
