import { AppError, Principal, SCOPES_OF_KIND } from '@shared/contracts'
import type { TokenKind } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createFixture, LEASE_MS } from '../services/container-tasks/testing/fixture.ts'
import type { Services } from '../services.ts'
import { createRouter, errorResponse } from './router.ts'
import { taskRoutes } from './tasks.ts'

const principal = (kind: TokenKind, more: Partial<Principal> = {}): Principal =>
	Principal.parse({ kind, subject: kind, scopes: [...SCOPES_OF_KIND[kind]], workerName: 'agent-factory', expiresAt: 9e15, ...more })

const TOKENS: Record<string, Principal> = {
	operator: principal('operator', { workerName: 'vibehq-orchestrator' }),
	worker: principal('worker'),
	stranger: principal('worker', { workerName: 'stranger' }),
	runner: principal('runner', { workerName: 'laptop' }),
	bound: principal('runner', { containerName: 'c1' }),
}

/** The fields of answers that the tests look at. */
interface Answer {
	taskId?: string
	status?: string
	items?: unknown[]
	tasks?: { taskId?: string; leaseToken: string }[]
	planId?: string
	results?: { error: { code: string } | null }[]
	next?: { leaseToken: string }[]
	output?: unknown
	text?: string
	error?: { code: string }
}

/** The routes over a real queue; a request is `[token, method, path, body]`. */
async function open() {
	const fixture = await createFixture()
	const services = {
		queue: fixture.queue,
		tokens: {
			verify: async (token: string) => {
				const known = TOKENS[token]
				if (!known) throw new AppError('UNAUTHENTICATED', 'unknown token')
				return known
			},
		},
	} as unknown as Services
	const app = createRouter()
	app.use(async (c, next) => {
		c.set('services', services)
		await next()
	})
	app.onError((error) => errorResponse(error))
	app.route('/', taskRoutes())
	async function call(token: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
		const response = await app.request(path, {
			method,
			headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), 'content-type': 'application/json', ...headers },
			...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
		})
		const text = await response.text()
		const isText = response.headers.get('content-type')?.startsWith('text/plain') ?? false
		return { status: response.status, body: (isText ? { text } : text === '' ? {} : JSON.parse(text)) as Answer }
	}
	return { ...fixture, call }
}
const claimBody = { workerName: 'laptop', containerName: 'c1' }

describe('the routes of the task queue', () => {
	it('take a task through its life', async () => {
		const { call, clock } = await open()
		const submitted = await call('worker', 'POST', '/api/tasks', { taskType: 'command', command: ['npm', 'test'], parameters: { x: 1 } })
		expect(submitted).toMatchObject({ status: 201, body: { status: 'pending', workerName: 'agent-factory', command: ['npm', 'test'], maxAttempts: 3 } })
		const { taskId } = submitted.body
		const claimed = await call('runner', 'POST', '/api/tasks/claim', claimBody)
		expect(claimed).toMatchObject({ status: 200, body: { tasks: [{ task: { taskId, assignedTo: 'laptop:c1' }, leaseMs: LEASE_MS }] } })
		const leaseToken = claimed.body.tasks?.[0]?.leaseToken
		expect(await call('runner', 'POST', `/api/tasks/${taskId}/heartbeat`, { leaseToken })).toEqual({ status: 200, body: { leaseExpiresAt: clock.now + LEASE_MS, cancel: null } })
		expect(await call('runner', 'POST', `/api/tasks/${taskId}/complete`, { leaseToken, output: { ok: true } })).toMatchObject({ status: 200, body: { status: 'completed', output: { ok: true } } })
		expect(await call('worker', 'GET', `/api/tasks/${taskId}`)).toMatchObject({ status: 200, body: { status: 'completed' } })
		expect(await call('worker', 'GET', '/api/tasks?status=completed&limit=1')).toMatchObject({ status: 200, body: { items: [{ taskId }], nextCursor: null } })
		expect((await call('runner', 'POST', '/api/tasks/claim', claimBody)).status).toBe(204)
	})

	it('claim one task by its id', async () => {
		const { call, submit } = await open()
		const [first, second] = [await submit(), await submit()]
		expect(await call('runner', 'POST', `/api/tasks/${second.taskId}/claim`, claimBody)).toMatchObject({ status: 200, body: { tasks: [{ task: { taskId: second.taskId } }] } })
		expect((await call('runner', 'POST', `/api/tasks/${second.taskId}/claim`, claimBody)).status).toBe(204)
		expect(await call('runner', 'POST', '/api/tasks/CTK-0/claim', claimBody)).toMatchObject({ status: 404, body: { error: { code: 'CONTAINER_TASK_NOT_FOUND' } } })
		expect((await call('worker', 'GET', `/api/tasks/${first.taskId}`)).body.status).toBe('pending')
	})

	it('repeat a submit with the same Idempotency-Key', async () => {
		const { call } = await open()
		const submit = () => call('worker', 'POST', '/api/tasks', { taskType: 'command' }, { 'idempotency-key': 'once' })
		expect((await submit()).body.taskId).toBe((await submit()).body.taskId)
	})

	it('report a late completion with where its evidence is', async () => {
		const { call, submit, claimOne } = await open()
		const { taskId } = await submit()
		await claimOne()
		expect(await call('runner', 'POST', `/api/tasks/${taskId}/complete`, { leaseToken: 'lease_old', output: {} })).toMatchObject({
			status: 409,
			body: { error: { code: 'LEASE_LOST', retryable: false, details: { evidenceId: expect.any(String) } } },
		})
		expect(await call('runner', 'POST', `/api/tasks/${taskId}/complete`, { output: {} })).toMatchObject({ status: 409, body: { error: { code: 'LEASE_REQUIRED' } } })
		expect(await call('runner', 'POST', `/api/tasks/${taskId}/fail`, { error: { code: 'X', message: 'y' } })).toMatchObject({ status: 409, body: { error: { code: 'LEASE_REQUIRED' } } })
	})

	it('cancel, for the owner and the operator', async () => {
		const { call, submit } = await open()
		const [mine, other] = [await submit(), await submit()]
		expect(await call('stranger', 'POST', `/api/tasks/${mine.taskId}/cancel`, { reason: 'x' })).toMatchObject({ status: 404 })
		expect(await call('worker', 'POST', `/api/tasks/${mine.taskId}/cancel`, { reason: 'x' })).toMatchObject({ status: 200, body: { outcome: 'cancelled' } })
		expect(await call('operator', 'POST', `/api/tasks/${other.taskId}/cancel`, { reason: 'x' })).toMatchObject({ status: 200, body: { outcome: 'cancelled' } })
	})
})

describe('plans', () => {
	const tasks = [{ taskType: 'command', key: 'report', dependsOn: ['audit'] }, { taskType: 'command', key: 'audit' }]

	it('go from submit to result, with one call a task', async () => {
		const { call } = await open()
		const submitted = await call('worker', 'POST', '/api/task-plans', { tasks })
		expect(submitted).toMatchObject({ status: 201, body: { status: 'open', counts: { pending: 2, blocked: 1 } } })
		const [report, audit] = submitted.body.tasks ?? []
		const claimed = await call('runner', 'POST', '/api/tasks/claim', claimBody)
		const first = await call('runner', 'POST', `/api/tasks/${audit?.taskId}/complete`, { leaseToken: claimed.body.tasks?.[0]?.leaseToken, output: { stdout: 'fine' }, claimNext: claimBody })
		expect(first).toMatchObject({ status: 200, body: { status: 'completed', next: [{ task: { taskId: report?.taskId } }] } })
		const many = { reports: [{ taskId: report?.taskId, leaseToken: first.body.next?.[0]?.leaseToken, output: {} }, { taskId: 'CTK-0', leaseToken: 'x', output: {} }], claimNext: claimBody }
		expect(await call('runner', 'POST', '/api/tasks/complete', many)).toMatchObject({ status: 200, body: { results: [{ error: null }, { error: { code: 'CONTAINER_TASK_NOT_FOUND' } }], next: [] } })
		expect(await call('worker', 'GET', `/api/task-plans/${submitted.body.planId}`)).toMatchObject({ status: 200, body: { status: 'completed' } })
		expect(await call('worker', 'GET', `/api/tasks/${audit?.taskId}/streams/stdout`)).toEqual({ status: 200, body: { text: 'fine' } })
		expect((await call('stranger', 'GET', `/api/task-plans/${submitted.body.planId}`)).status).toBe(404)
		expect((await call('stranger', 'GET', `/api/tasks/${audit?.taskId}/streams/stdout`)).status).toBe(404)
		expect((await call('worker', 'GET', `/api/tasks/${audit?.taskId}/streams/stderr`)).status).toBe(404)
	})

	it('are repeated with the same Idempotency-Key, and refused with other tasks', async () => {
		const { call } = await open()
		const submit = (body: object) => call('worker', 'POST', '/api/task-plans', body, { 'idempotency-key': 'once' })
		expect((await submit({ tasks })).body.planId).toBe((await submit({ tasks })).body.planId)
		expect(await submit({ tasks: tasks.slice(1) })).toMatchObject({ status: 409, body: { error: { code: 'IDEMPOTENCY_CONFLICT' } } })
	})
})

describe('the queue at a glance', () => {
	it('counts, and limits what runs', async () => {
		const { call, submit } = await open()
		await submit()
		await submit()
		expect(await call('operator', 'PUT', '/api/task-queue/workers/agent-factory', { maxRunning: 1 })).toEqual({ status: 200, body: { workerName: 'agent-factory', running: 0, maxRunning: 1 } })
		expect((await call('runner', 'POST', '/api/tasks/claim', { ...claimBody, max: 5 })).body.tasks).toHaveLength(1)
		expect(await call('worker', 'GET', '/api/task-queue')).toMatchObject({ status: 200, body: { counts: { pending: 1, assigned: 1, completed: 0 }, workers: [{ running: 1, maxRunning: 1 }] } })
		expect(await call('stranger', 'GET', '/api/task-queue')).toMatchObject({ status: 200, body: { counts: { pending: 0 }, workers: [] } })
	})
})

describe('who may do what', () => {
	it.each([
		['', 'GET', '/api/tasks', undefined, 401, 'UNAUTHENTICATED'],
		['nobody', 'GET', '/api/tasks', undefined, 401, 'UNAUTHENTICATED'],
		['runner', 'GET', '/api/tasks', undefined, 403, 'FORBIDDEN'],
		['runner', 'POST', '/api/tasks', { taskType: 'command' }, 403, 'FORBIDDEN'],
		['worker', 'POST', '/api/tasks/claim', claimBody, 403, 'FORBIDDEN'],
		['operator', 'POST', '/api/tasks/claim', claimBody, 403, 'FORBIDDEN'],
		['bound', 'POST', '/api/tasks/claim', { ...claimBody, containerName: 'c2' }, 403, 'FORBIDDEN'],
		['bound', 'POST', '/api/tasks/claim', claimBody, 204, null],
		['runner', 'POST', '/api/task-plans', { tasks: [{ taskType: 'command' }] }, 403, 'FORBIDDEN'],
		['worker', 'POST', '/api/task-plans', { tasks: [{ taskType: 'agent-run' }] }, 403, 'FORBIDDEN'],
		['runner', 'GET', '/api/task-queue', undefined, 403, 'FORBIDDEN'],
		['worker', 'PUT', '/api/task-queue/workers/agent-factory', { maxRunning: 9 }, 403, 'FORBIDDEN'],
		['worker', 'POST', '/api/tasks/complete', { reports: [{ taskId: 'CTK-0', leaseToken: 'x', output: {} }] }, 403, 'FORBIDDEN'],
		['bound', 'POST', '/api/tasks/complete', { reports: [{ taskId: 'CTK-0', leaseToken: 'x', output: {} }], claimNext: { ...claimBody, containerName: 'c2' } }, 403, 'FORBIDDEN'],
		['bound', 'POST', '/api/tasks/CTK-0/complete', { leaseToken: 'x', output: {}, claimNext: { ...claimBody, containerName: 'c2' } }, 403, 'FORBIDDEN'],
		['worker', 'POST', '/api/tasks', { taskType: 'agent-run' }, 403, 'FORBIDDEN'],
		['operator', 'POST', '/api/tasks', { taskType: 'validate' }, 403, 'FORBIDDEN'],
		['worker', 'POST', '/api/tasks', { taskType: 'command', executionId: 'EXE-0000000000000000' }, 403, 'FORBIDDEN'],
	])('%s %s %s %j: %i %s', async (token, method, path, body, status, code) => {
		const { call } = await open()
		const answer = await call(token, method, path, body)
		expect([answer.status, answer.body.error?.code ?? null]).toEqual([status, code])
	})

	it('shows a Worker its own tasks and an operator all', async () => {
		const { call, submit } = await open()
		const { taskId } = await submit()
		expect((await call('stranger', 'GET', '/api/tasks')).body.items).toEqual([])
		expect((await call('stranger', 'GET', `/api/tasks/${taskId}`)).status).toBe(404)
		expect((await call('operator', 'GET', '/api/tasks')).body.items).toHaveLength(1)
		expect((await call('operator', 'GET', `/api/tasks/${taskId}`)).status).toBe(200)
	})
})

describe('bad input', () => {
	const big = 'x'.repeat(300_000)
	it.each([
		['worker', '/api/tasks', { taskType: 'magic' }, 400, 'INVALID_INPUT'],
		['worker', '/api/tasks', { taskType: 'command', surprise: 1 }, 400, 'INVALID_INPUT'],
		['worker', '/api/tasks', { taskType: 'command', priority: 'high' }, 400, 'INVALID_INPUT'],
		['worker', '/api/tasks', { taskType: 'command', parameters: { big } }, 413, 'PAYLOAD_TOO_LARGE'],
		['worker', '/api/tasks', '{"taskType":', 400, 'INVALID_JSON'],
		['runner', '/api/tasks/claim', { ...claimBody, max: 51 }, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/claim', { ...claimBody, containerName: 'a b' }, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/claim', { ...claimBody, waitMs: 60_000 }, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/CTK-0/heartbeat', {}, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/CTK-0/heartbeat', { leaseToken: 'x', progress: [{ at: 1, kind: 'shout', text: '' }] }, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/CTK-0/heartbeat', { leaseToken: big }, 413, 'PAYLOAD_TOO_LARGE'],
		['runner', '/api/tasks/CTK-0/complete', { leaseToken: 'x', output: 'text' }, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/CTK-0/complete', { leaseToken: 'x', output: { big: 'x'.repeat(33 * 1024 * 1024) } }, 413, 'PAYLOAD_TOO_LARGE'],
		['runner', '/api/tasks/CTK-0/complete', { leaseToken: 'x', output: {} }, 404, 'CONTAINER_TASK_NOT_FOUND'],
		['worker', '/api/tasks/CTK-0/cancel', {}, 400, 'INVALID_INPUT'],
		['worker', '/api/tasks', { taskType: 'command', dependsOn: 'a' }, 400, 'INVALID_INPUT'],
		['worker', '/api/tasks', { taskType: 'command', dependsOn: ['CTK-0000000000000000'] }, 422, 'CONTAINER_TASK_INVALID'],
		['worker', '/api/tasks', { taskType: 'command', onDependencyFailure: 'ignore' }, 400, 'INVALID_INPUT'],
		['worker', '/api/tasks', { taskType: 'command', delayMs: -1 }, 400, 'INVALID_INPUT'],
		['worker', '/api/tasks', { taskType: 'command', key: 'a' }, 400, 'INVALID_INPUT'],
		['worker', '/api/task-plans', { tasks: [] }, 400, 'INVALID_INPUT'],
		['worker', '/api/task-plans', { tasks: [{ taskType: 'command', key: '../x' }] }, 400, 'INVALID_INPUT'],
		['worker', '/api/task-plans', { tasks: [{ taskType: 'command', key: 'a', dependsOn: ['b'] }, { taskType: 'command', key: 'b', dependsOn: ['a'] }] }, 422, 'CONTAINER_TASK_INVALID'],
		['worker', '/api/task-plans', { tasks: [{ taskType: 'command', parameters: { big: 'x'.repeat(9_000_000) } }] }, 413, 'PAYLOAD_TOO_LARGE'],
		['runner', '/api/tasks/complete', { reports: [] }, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/complete', { reports: [{ taskId: 'CTK-0', output: {} }] }, 400, 'INVALID_INPUT'],
		['runner', '/api/tasks/CTK-0/complete', { leaseToken: 'x', output: {}, claimNext: { ...claimBody, waitMs: 5 } }, 400, 'INVALID_INPUT'],
	])('%s POST %s: %#', async (token, path, body, status, code) => {
		const { call } = await open()
		const answer = await call(token, 'POST', path, body)
		expect([answer.status, answer.body.error?.code]).toEqual([status, code])
	})

	it.each(['?limit=0', '?limit=many', '?status=done', '?executionId=x', '?cursor=abc'])('GET /api/tasks%s', async (query) => {
		const { call } = await open()
		expect(await call('worker', 'GET', `/api/tasks${query}`)).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } })
	})

	it('does not take a body that is not said to be JSON', async () => {
		const { call } = await open()
		const answer = await call('worker', 'POST', '/api/tasks', { taskType: 'command' }, { 'content-type': 'text/plain' })
		expect([answer.status, answer.body.error?.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
	})

	it('takes a report of several megabytes', async () => {
		const { call, submit, claimOne } = await open()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const output = { text: 'y'.repeat(8 * 1024 * 1024) }
		expect((await call('runner', 'POST', `/api/tasks/${taskId}/complete`, { leaseToken, output })).status).toBe(200)
		expect((await call('worker', 'GET', `/api/tasks/${taskId}`)).body.output).toEqual(output)
	})
})
