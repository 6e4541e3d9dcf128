import { describe, expect, it } from 'vitest'
import { createSecretService } from './secretService.ts'

const values: Record<string, string> = { CLAUDE_API_KEY: 'c-value', CURSOR_API_KEY: 'u-value', COPILOT_GITHUB_TOKEN: 'g-value' }
const secrets = createSecretService({ readSecret: (name) => values[name] })

describe('secretService', () => {
	it('resolves by name and names what is missing', () => {
		expect(secrets.has('CLAUDE_API_KEY')).toBe(true)
		expect(secrets.resolve('CLAUDE_API_KEY')).toBe('c-value')
		expect(secrets.has('CODEX_API_KEY')).toBe(false)
		expect(() => secrets.resolve('CODEX_API_KEY')).toThrow(expect.objectContaining({ code: 'SECRET_MISSING', message: expect.stringContaining('CODEX_API_KEY') }))
	})

	it('knows every value that must be found nowhere', () => {
		const all = createSecretService({ readSecret: (name) => `value of ${name}` }).values()
		expect(all).toEqual(expect.arrayContaining(['value of CODEX_API_KEY', 'value of GITHUB_APP_PRIVATE_KEY', 'value of GITHUB_TOKEN', 'value of GITHUB_WEBHOOK_SECRET', 'value of GITHUB_WEBHOOK_SECRET_OLD', 'value of TOKEN_SIGNING_KEY']))
	})

	it('grants one key, under the variable that the CLI reads', () => {
		expect(secrets.grantEnv('claude', 'direct')).toEqual({ ANTHROPIC_API_KEY: 'c-value' })
		expect(secrets.grantEnv('cursor', 'direct')).toEqual({ CURSOR_API_KEY: 'u-value' })
		expect(secrets.grantEnv('copilot', 'direct')).toEqual({ COPILOT_GITHUB_TOKEN: 'g-value' })
	})

	it('grants nothing behind the gateway, even where the secret is missing', () => {
		expect(secrets.grantEnv('claude', 'gateway')).toEqual({})
		expect(secrets.grantEnv('codex', 'gateway')).toEqual({})
	})

	it('refuses a direct grant that cannot be had', () => {
		expect(() => secrets.grantEnv('gemini', 'direct')).toThrow(expect.objectContaining({ code: 'SECRET_MISSING' }))
		expect(() => secrets.grantEnv('jules', 'direct')).toThrow(expect.objectContaining({ code: 'PROVIDER_NOT_ELIGIBLE' }))
	})
})
