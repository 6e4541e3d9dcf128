import { env } from 'cloudflare:workers'
import { WorkspaceId, WorkspacePolicy } from '@shared/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../database/client.ts'
import { policiesOfLeasesQuery } from '../../database/repositories/containerLeases.ts'
import { changePolicy, insertWorkspace } from '../../database/repositories/workspaces.ts'
import { createEgress } from './egress.ts'

const db = createDatabase(env.DB)
const AT = 1_800_000_000_000
const workspaceId = WorkspaceId.parse('wsp-0000000000e9')
const place = { workerName: 'pool', instanceId: 'runner-3' }

let asked: string[] = []
const egress = createEgress({
	db,
	orchestrator: async (request) => new Response(`orchestrator ${new URL(request.url).pathname}`),
	fetch: async (input) => {
		const { url, redirect } = input as Request
		asked.push(`${redirect} ${url}`)
		if (url.includes('down.example.com')) throw new Error('connection refused')
		return new Response('outside')
	},
	now: () => AT,
})
const lease = (change: { assignedTo?: string; expiresAt?: number; status?: string; taskType?: string }) =>
	env.DB.prepare(
		`insert into container_tasks (task_id, worker_name, status, task_type, parameters, assigned_to, timeout_ms, lease_token, lease_expires_at, created_at, updated_at) values (?, 'w', ?, ?, ?, ?, 1000, 'lease', ?, 1, 1)`,
	)
		.bind(crypto.randomUUID(), change.status ?? 'running', change.taskType ?? 'agent-run', JSON.stringify({ workspaceId }), change.assignedTo ?? 'pool:runner-3', change.expiresAt ?? AT + 1)
		.run()

beforeEach(async () => {
	asked = []
	await env.DB.prepare('delete from container_tasks').run()
	await db.batch([insertWorkspace({ workspaceId, kind: 'hosted', repository: 'r', defaultBranch: 'main', importUrl: null, createdAt: 1 }, { workerName: 'w' })])
	await db.run(changePolicy({ workspaceId, policy: WorkspacePolicy.parse({ allowedHosts: ['api.example.com', '*.packages.example.com', 'down.example.com'] }), at: AT }))
})

describe('the way out of a container', () => {
	it('leads to the orchestrator always, and to nothing else without a lease', async () => {
		expect(await (await egress(new Request('http://orchestrator.internal/api/container-tasks/claim'), place)).text()).toBe('orchestrator /api/container-tasks/claim')
		const denied = await egress(new Request('https://api.example.com/'), place)
		expect([denied.status, await denied.json()]).toMatchObject([403, { error: { code: 'HOST_NOT_ALLOWED', message: expect.stringContaining('api.example.com') } }])
		expect(asked).toEqual([])
	})

	it('leads to the hosts of the workspace whose work it holds', async () => {
		await lease({})
		for (const url of ['https://api.example.com/x', 'http://API.example.com:8080/', 'https://a.b.packages.example.com/']) expect((await egress(new Request(url), place)).status).toBe(200)
		expect(asked).toEqual(['manual https://api.example.com/x', 'manual http://api.example.com:8080/', 'manual https://a.b.packages.example.com/'])
		for (const url of ['https://packages.example.com/', 'https://example.com/', 'https://xapi.example.com/', 'https://api.example.com.evil.org/', 'http://169.254.169.254/', 'http://[::1]/', 'http://localhost/']) {
			expect([url, (await egress(new Request(url), place)).status]).toEqual([url, 403])
		}
		expect(asked).toHaveLength(3)
	})

	it.each([
		['another container', { assignedTo: 'pool:runner-4' }],
		['another pool', { assignedTo: 'other:runner-3' }],
		['a lease that has lapsed', { expiresAt: AT }],
		['work that has ended', { status: 'completed' }],
		['a command of a Worker that names the workspace', { taskType: 'command' }],
	])('does not open for %s', async (_, change) => {
		await lease(change)
		expect((await egress(new Request('https://api.example.com/'), place)).status).toBe(403)
	})

	it('says of an allowed host that is down that it is down', async () => {
		await lease({})
		const answer = await egress(new Request('https://down.example.com/'), place)
		expect([answer.status, await answer.json()]).toMatchObject([502, { error: { code: 'HOST_UNREACHABLE' } }])
	})

	it('reads the leases that run, by their index', async () => {
		const { sql, parameters } = policiesOfLeasesQuery({ assignedTo: 'pool:runner-3', at: AT }).compile()
		const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...parameters).all<{ detail: string }>()
		expect(results.map(({ detail }) => detail).join('; ')).toMatch(/INDEX container_tasks_lapse/)
	})
})

it.each(['10.0.0.1', 'localhost', 'printer.local', 'orchestrator.internal', 'https://example.com', 'example.com/x', '*', '*.com.', 'Example.com', 'a..example.com', '*.*.example.com', 'example'])('a policy does not take %s for a host', (host) => {
	expect(WorkspacePolicy.safeParse({ allowedHosts: [host] }).success).toBe(false)
})
