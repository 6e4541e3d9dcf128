import { env } from 'cloudflare:workers'
import { AppError, ExecutionId, PatchSetId, WorkspaceId } from '@shared/contracts'
import { expect, it } from 'vitest'
import { createJulesRawPatches } from '../services/ai-providers/jules/julesRawPatches.ts'
import { createTokens } from '../services/security/tokens.ts'
import type { Services } from '../services.ts'
import { executionRoutes } from './executions.ts'
import { createRouter, errorResponse } from './router.ts'

const OWN = ExecutionId.parse('EXE-0000000000000001')
const OTHER = ExecutionId.parse('EXE-0000000000000002')
const CLEAN = ExecutionId.parse('EXE-0000000000000003')
const workspaceId = WorkspaceId.parse('wsp-000000000001')
const tokens = createTokens({ key: btoa('k'.repeat(32)), now: () => 1_800_000_000_000 })
const origin = { workerName: 'console', ttlMs: 60_000 }
const operator = await tokens.mint({ kind: 'operator', subject: 'ops', ...origin })
const reader = await tokens.mint({ kind: 'operator', subject: 'ops', scopes: ['read'], ...origin })
const agent = await tokens.mint({ kind: 'execution', subject: OWN, executionId: OWN, provider: 'codex', workspaceId, ...origin })
const validation = await tokens.mint({ kind: 'validation', subject: PatchSetId.parse('PST-0000000000000001'), workspaceId, ...origin })

const julesRawPatches = createJulesRawPatches(env.OUTPUTS)
const executions = { mustFind: async (id: string) => ([OWN, OTHER, CLEAN].some((known) => known === id) ? { executionId: id } : Promise.reject(new AppError('EXECUTION_NOT_FOUND', 'There is no such execution.'))) }
const patches = { ofExecution: async () => null }

const app = createRouter()
app.use(async (c, next) => {
	c.set('services', { tokens, executions, julesRawPatches, patches } as unknown as Services)
	await next()
})
app.onError((error) => errorResponse(error))
app.route('/', executionRoutes())
const get = (path: string, token?: string) => app.request(`/api/executions/${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
const codeOf = async (response: Response) => [response.status, ((await response.json()) as { error: { code: string } }).error.code]

it('gives a person the newest diff that was refused, as a text', async () => {
	await julesRawPatches.keep(OTHER, 'another\n')
	await julesRawPatches.keep(OWN, 'first\n')
	await new Promise((resolve) => setTimeout(resolve, 5))
	await julesRawPatches.keep(OWN, '<script>second</script>\n')
	const answer = await get(`${OWN}/raw-patch`, operator)
	expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-content-type-options')]).toEqual([200, 'text/x-diff; charset=utf-8', 'nosniff'])
	expect(await answer.text()).toBe('<script>second</script>\n')
})

it('says what is not there', async () => {
	expect(await codeOf(await get(`${CLEAN}/raw-patch`, operator))).toEqual([404, 'PATCH_NOT_FOUND'])
	expect(await codeOf(await get('EXE-000000000000000/raw-patch', operator))).toEqual([404, 'EXECUTION_NOT_FOUND'])
	expect(await codeOf(await get(`${encodeURIComponent('../jules')}/raw-patch`, operator))).toEqual([404, 'EXECUTION_NOT_FOUND'])
})

it.each([
	['nobody', undefined, 401, 'UNAUTHENTICATED'],
	['who may only read', reader, 403, 'FORBIDDEN'],
	['a validation, which runs what an agent wrote', validation, 403, 'FORBIDDEN'],
	['an agent that asks about another', agent, 403, 'FORBIDDEN'],
])('shows no set and no diff to %s', async (_who, token, status, code) => {
	for (const path of [`${OTHER}/raw-patch`, `${OTHER}/patch`]) expect(await codeOf(await get(path, token))).toEqual([status, code])
})
