import { expect, it } from 'vitest'
import { createTokens } from './tokens.ts'

const request = { kind: 'worker', subject: 'w', workerName: 'agent-factory', ttlMs: 60_000 } as const

it('signs and checks with the injected key and clock', async () => {
	let now = 1_800_000_000_000
	const tokens = createTokens({ key: btoa('k'.repeat(32)), now: () => now })
	const token = await tokens.mint(request)
	expect(await tokens.verify(token)).toMatchObject({ kind: 'worker', workerName: 'agent-factory', expiresAt: now + 60_000 })
	now += 60_000
	await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' })
})

it('does not take a token of another key', async () => {
	const theirs = await createTokens({ key: btoa('x'.repeat(32)), now: () => 0 }).mint(request)
	await expect(createTokens({ key: btoa('k'.repeat(32)), now: () => 0 }).verify(theirs)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

it('says what is missing when there is no key', async () => {
	const tokens = createTokens({ key: undefined, now: () => 0 })
	await expect(tokens.mint(request)).rejects.toMatchObject({ code: 'NOT_CONFIGURED', message: expect.stringContaining('TOKEN_SIGNING_KEY') })
	await expect(tokens.verify('x')).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
})
