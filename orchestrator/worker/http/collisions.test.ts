import type { CollisionView } from '@shared/contracts'
import { WorkspaceId } from '@shared/contracts'
import { expect, it } from 'vitest'
import type { Collisions } from '../services/collisions/collisions.ts'
import { createTokens } from '../services/security/tokens.ts'
import type { Services } from '../services.ts'
import { collisionRoutes } from './collisions.ts'
import { createRouter, errorResponse } from './router.ts'

const tokens = createTokens({ key: btoa('k'.repeat(32)), now: () => 1_800_000_000_000 })
const reader = await tokens.mint({ kind: 'operator', subject: 'ops', workerName: 'console', ttlMs: 60_000, scopes: ['read'] })
const runner = await tokens.mint({ kind: 'runner', subject: 'r', workerName: 'laptop', ttlMs: 60_000 })
const workspaceId = WorkspaceId.parse('wsp-000000000001')
const view: CollisionView = { workspaceId, subjectIds: ['EXE-1', 'EXE-2'], path: 'f', kind: 'overlap', ranges: [[1, 2]], isCertain: true, answer: 'ordered', isOpen: true, foreseenAt: 1 }

function open() {
	const asked: unknown[] = []
	const list: Collisions['list'] = async (filter) => {
		asked.push(filter)
		return { items: [view], nextCursor: '7' }
	}
	const app = createRouter()
	app.use(async (c, next) => {
		c.set('services', { tokens } as unknown as Services)
		await next()
	})
	app.onError((error) => errorResponse(error))
	app.route('/', collisionRoutes(() => ({ list })))
	return { app, asked, get: (query: string, token = reader) => app.request(`/api/collisions?${query}`, { headers: { authorization: `Bearer ${token}` } }) }
}

it('lists what was foreseen', async () => {
	const { get, asked } = open()
	const response = await get(`workspaceId=${workspaceId}&subjectId=EXE-1&limit=5&cursor=9`)
	expect([response.status, await response.json()]).toEqual([200, { items: [view], nextCursor: '7' }])
	expect(asked).toEqual([{ workspaceId, subjectId: 'EXE-1', page: { limit: 5, cursor: '9' } }])
})

it.each([
	['a workspace that is none', 'workspaceId=nowhere'],
	['an empty subject', 'subjectId='],
	['an endless subject', `subjectId=${'x'.repeat(201)}`],
	['a page of nothing', 'subjectId=EXE-1&limit=0'],
	['a page that is no number', 'subjectId=EXE-1&limit=many'],
])('refuses %s', async (_name, query) => {
	const { get, asked } = open()
	const response = await get(query)
	expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'INVALID_INPUT' } }])
	expect(asked).toEqual([])
})

it('is for those who may read', async () => {
	const { app, get } = open()
	expect((await app.request('/api/collisions?subjectId=EXE-1')).status).toBe(401)
	expect((await get('subjectId=EXE-1', runner)).status).toBe(403)
})

it('is described', () => {
	const { paths } = open().app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 't', version: '1' } })
	expect(paths?.['/api/collisions']?.get).toMatchObject({ operationId: 'listCollisions', parameters: expect.arrayContaining([expect.objectContaining({ name: 'subjectId', in: 'query', required: false })]) })
})
