import { sign } from '@octokit/webhooks-methods'
import { beforeEach, describe, expect, it } from 'vitest'
import { AppError, OrderId, TaskId } from '@shared/contracts'
import { createTestServices, WORKSPACE } from '../../../test/support/services.ts'
import { sql } from '../../database/client.ts'
import { setPullRequest } from '../../database/repositories/pullRequests.ts'
import { forgetPushes } from '../../database/repositories/webhookDeliveries.ts'
import { insertWorkspace } from '../../database/repositories/workspaces.ts'
import { createGitHubClient } from '../github/githubClient.ts'
import { OWN_COMMENT } from '../github/webhookCommands.ts'
import { createGitHubEvents } from './gitHubEvents.ts'
import type { GitHubEventsDeps } from './context.ts'

const SECRET = 'the secret of the webhook'
const REPO = 'acme/shop'
const MINUTE_MS = 60_000

let lastId = 0
let clock: number
beforeEach(() => void (clock = Date.now()))

/** GitHub as far as events need it: will may write, everybody else may read. */
function createGitHub() {
	const comments: { number: string; body: string }[] = []
	const state = { headRepo: REPO, headRef: 'topic', isCommentRefused: false, permissionStatus: 200, headers: {} as Record<string, string> }
	const answer = (data: unknown, status = 200, headers = {}) => Response.json(data, { status, headers })
	const answers = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
		const { pathname } = new URL(String(input))
		if (pathname.endsWith('/permission')) return state.permissionStatus === 200 ? answer({ permission: pathname.includes('/will/') ? 'write' : 'read' }) : answer({ message: 'You have exceeded a secondary rate limit' }, state.permissionStatus, state.headers)
		const [, number] = /\/issues\/(\d+)\/comments$/.exec(pathname) ?? []
		if (number !== undefined && !state.isCommentRefused) {
			comments.push({ number, body: (JSON.parse(String(init?.body)) as { body: string }).body })
			return answer({ id: 1 }, 201)
		}
		if (number !== undefined) return answer({ message: 'Resource not accessible by integration' }, 403)
		if (pathname.includes('/pulls/')) return answer({ head: { ref: state.headRef, repo: { full_name: state.headRepo } } })
		return answer({ full_name: REPO, default_branch: 'develop' })
	}
	return { comments, state, client: createGitHubClient({ token: async () => 'token', fetch: answers as typeof fetch, now: () => clock }) }
}

function setUp(deps: Partial<GitHubEventsDeps> = {}) {
	const services = createTestServices()
	const gitHub = createGitHub()
	const events = createGitHubEvents({ db: services.db, now: () => clock, secrets: () => [SECRET], clientFor: () => gitHub.client, orders: services.orders, publicURL: 'https://factory.example/', workerName: 'github-test', ...deps })
	const send = async (event: string, payload: object, secret = SECRET) => {
		const body = JSON.stringify({ repository: { full_name: REPO }, ...payload })
		const headers = new Headers({ 'content-type': 'application/json', 'x-github-delivery': 'd-1', 'x-github-event': event, 'x-hub-signature-256': await sign(secret, body) })
		return events.handle({ headers, body: new TextEncoder().encode(body) })
	}
	return { ...services, ...gitHub, events, send }
}

const user = (login: string) => ({ login, type: 'User' })
const comment = (body: string, { login = 'will', isPullRequest = false } = {}) => ({ action: 'created', sender: user(login), comment: { id: ++lastId, body, user: user(login) }, issue: { number: 3, ...(isPullRequest ? { pull_request: {} } : {}) } })
const pull = (branch: string, more: object = {}) => ({ number: 9, head: { ref: branch, sha: 'a'.repeat(40), repo: { full_name: REPO } }, ...more })
const review = (branch: string, login = 'will') => ({ action: 'created', sender: user(login), comment: { id: ++lastId, body: 'Rename it', user: user(login), path: 'src/a.ts', line: 7 }, pull_request: pull(branch) })

/** An order that lives on the repository, with a pull request. */
async function ownOrder({ orders, db }: ReturnType<typeof setUp>, repo = REPO) {
	const { orderId } = await orders.create({ prompt: 'Start', workspace: { kind: 'github', repo, branch: 'main' }, execute: false }, { workerName: 'w' })
	await db.run(setPullRequest({ orderId, number: 9, url: 'https://github.com/acme/shop/pull/9', at: 1 }))
	return orderId
}

describe('a comment with /vibehq', () => {
	it('starts an order on the default branch, once, and says so below the issue', async () => {
		const { send, orders, db, comments } = setUp()
		const event = comment('/vibehq Fix the build')
		const { status, result } = await send('issue_comment', event)
		expect(status).toBe('done')
		const order = await orders.get(String(result['orderId']))
		expect(order).toMatchObject({ prompt: 'Fix the build', workerName: 'github-test', tasks: [{ status: 'running' }] })
		const row = await db.first(sql.selectFrom('orders').select(['workspace_ref', 'context']).where('id', '=', order.orderId))
		expect(JSON.parse(row?.workspace_ref ?? '')).toEqual({ kind: 'github', repo: REPO, branch: 'develop' })
		expect(JSON.parse(row?.context ?? '')).toMatchObject({ gitHub: { issue: 3, author: 'will' } })
		expect(comments).toEqual([{ number: '3', body: `Started as [order \`${order.orderId}\`, task \`${order.tasks[0]?.taskId}\`](https://factory.example/api/orders/${order.orderId}).\n\n${OWN_COMMENT}` }])
		expect(await send('issue_comment', event)).toEqual({ status: 'repeated', result: {} })
		expect((await orders.list({}, 'github-test')).items.filter(({ prompt }) => prompt === 'Fix the build')).toHaveLength(1)
	})

	it.each([
		['a person who may only read', comment('/vibehq Do it', { login: 'rea' }), /may not write/],
		['words that are no command', comment('please /vibehq'), /does not start with/],
		['our own answer', comment(`/vibehq Do it ${OWN_COMMENT}`), /the orchestrator wrote it/],
	])('of %s starts nothing and is not answered', async (_whose, event, reason) => {
		const { send, comments, sent } = setUp()
		expect(await send('issue_comment', event)).toEqual({ status: 'ignored', result: { reason: expect.stringMatching(reason) } })
		expect([comments, sent]).toEqual([[], []])
	})

	it('that nobody signed changes nothing', async () => {
		const { send, sent } = setUp()
		await expect(send('issue_comment', comment('/vibehq Do it'), 'a guess')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
		expect(sent).toEqual([])
	})

	it('works on the branch of a pull request, and on the order of our own', async () => {
		const services = setUp()
		const { send, orders, db, state } = services
		const first = await send('issue_comment', comment('/vibehq Go on', { isPullRequest: true }))
		const row = await db.first(sql.selectFrom('orders').select('workspace_ref').where('id', '=', String(first.result['orderId'])))
		expect(JSON.parse(row?.workspace_ref ?? '')).toMatchObject({ branch: 'topic' })
		const orderId = await ownOrder(services)
		state.headRef = `factory/${orderId}`
		expect((await send('issue_comment', comment('/vibehq Go on', { isPullRequest: true }))).result).toMatchObject({ orderId })
		expect((await orders.get(orderId)).tasks.map(({ prompt }) => prompt)).toEqual(['Start', 'Go on'])
	})

	it('says why nothing can be done on the pull request of a fork', async () => {
		const { send, state, comments, sent } = setUp()
		state.headRepo = 'somebody/shop'
		expect((await send('issue_comment', comment('/vibehq Go on', { isPullRequest: true }))).result).toMatchObject({ refused: 'INVALID_INPUT' })
		expect(comments[0]?.body).toMatch(/another repository.*branch=/)
		expect(sent).toEqual([])
	})

	it('is done when only its answer cannot be written', async () => {
		const { send, state } = setUp()
		state.isCommentRefused = true
		expect(await send('issue_comment', comment('/vibehq Fix it'))).toMatchObject({ status: 'done', result: { isAnswered: false } })
	})

	it('names the order that is stored and cannot start yet', async () => {
		const refusal = new AppError('NO_PROVIDER_AVAILABLE', 'Nobody can.', { orderId: OrderId.parse('ORD-000000'), taskId: TaskId.parse('TSK-000000000000') })
		const { send, comments } = setUp({ orders: { create: () => Promise.reject(refusal), addTask: () => Promise.reject(refusal) } })
		expect(await send('issue_comment', comment('/vibehq Fix it'))).toMatchObject({ status: 'done', result: { orderId: 'ORD-000000', refused: 'NO_PROVIDER_AVAILABLE' } })
		expect(comments[0]?.body).toMatch(/ORD-000000.*could not be started yet. NO_PROVIDER_AVAILABLE/s)
	})
})

describe('work that fails for a while', () => {
	it('is tried again when the limit of GitHub has passed, and not before', async () => {
		const { send, state, events, orders } = setUp()
		Object.assign(state, { permissionStatus: 403, headers: { 'retry-after': '600' } })
		await expect(send('issue_comment', comment('/vibehq Wait for it'))).rejects.toMatchObject({ code: 'RATE_LIMITED' })
		state.permissionStatus = 200
		clock += 9 * MINUTE_MS
		expect(await events.retry()).toBe(0)
		clock += 2 * MINUTE_MS
		expect(await events.retry()).toBe(1)
		expect(await events.retry()).toBe(0)
		expect((await orders.list({}, 'github-test')).items.filter(({ prompt }) => prompt === 'Wait for it')).toHaveLength(1)
	})

	it('is taken by a new delivery too, and given up after some tries', async () => {
		const { send, state, events } = setUp()
		state.permissionStatus = 500
		const event = comment('/vibehq Never')
		await expect(send('issue_comment', event)).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
		await expect(send('issue_comment', event)).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
		let tries = 0
		for (let look = 0; look < 20; look++) {
			clock += 128 * MINUTE_MS
			tries += await events.retry()
		}
		expect(tries).toBe(7)
	})

	it('is taken up when it was cut off', async () => {
		const cut = Promise.withResolvers<never>()
		const { db, send } = setUp({ orders: { create: () => cut.promise, addTask: () => cut.promise } })
		const event = comment('/vibehq Cut off')
		void send('issue_comment', event).catch(() => undefined)
		const id = `github:comment:${REPO}:${lastId}`
		for (let row; row?.status !== 'received'; ) row = await db.first(sql.selectFrom('webhook_deliveries').select('status').where('id', '=', id))
		const other = setUp()
		expect(await other.events.retry()).toBe(0)
		expect(await other.send('issue_comment', event)).toMatchObject({ status: 'repeated' })
		clock += 3 * MINUTE_MS
		expect(await other.events.retry()).toBe(1)
		expect((await other.orders.list({}, 'github-test')).items.some(({ prompt }) => prompt === 'Cut off')).toBe(true)
		cut.reject(new Error('over'))
	})
})

describe('work that was cut off when its task was there, and that not on record', () => {
	it.each<[string, (branch: string) => [string, object]]>([
		['a comment', () => ['issue_comment', comment('/vibehq Once', { isPullRequest: true })]],
		['a remark', (branch) => ['pull_request_review_comment', review(branch)]],
	])('makes no second task of %s', async (_what, eventOn) => {
		const other = setUp()
		const done = Promise.withResolvers<void>()
		const cut = Promise.withResolvers<never>()
		const { create } = other.orders
		const services = setUp({ orders: { create, addTask: (...args) => other.orders.addTask(...args).then(() => (done.resolve(), cut.promise)) } })
		const orderId = await ownOrder(services)
		services.state.headRef = `factory/${orderId}`
		void services.send(...eventOn(services.state.headRef)).catch(() => undefined)
		await done.promise
		const before = (await services.orders.get(orderId)).tasks
		expect(before).toHaveLength(2)
		other.state.headRef = services.state.headRef
		clock += 3 * MINUTE_MS
		expect(await other.events.retry()).toBe(1)
		expect((await services.orders.get(orderId)).tasks).toEqual(before)
		expect(other.sent).toHaveLength(1)
		expect(other.comments).toEqual([expect.objectContaining({ body: expect.stringContaining(String(before[1]?.taskId)) })])
		cut.reject(new Error('over'))
	})
})

describe('a review comment on the pull request of an order', () => {
	it('becomes a task that says where', async () => {
		const services = setUp()
		const orderId = await ownOrder(services)
		expect((await services.send('pull_request_review_comment', review(`factory/${orderId}`))).result).toMatchObject({ orderId })
		expect((await services.orders.get(orderId)).tasks[1]?.prompt).toBe('A reviewer wrote this about "src/a.ts", line 7:\n\nRename it')
		expect(services.comments).toMatchObject([{ number: '9' }])
	})

	it.each([
		['of a person who may only read', REPO, 'rea', /may not write/],
		['where the order works elsewhere', 'acme/other', 'will', /no order/],
	])('%s is ignored', async (_what, repo, login, reason) => {
		const services = setUp()
		const orderId = await ownOrder(services, repo)
		expect(await services.send('pull_request_review_comment', review(`factory/${orderId}`, login))).toEqual({ status: 'ignored', result: { reason: expect.stringMatching(reason) } })
		expect((await services.orders.get(orderId)).tasks).toHaveLength(1)
	})
})

describe('what people do', () => {
	const logged = ({ db }: ReturnType<typeof setUp>, orderId: string) => db.all(sql.selectFrom('operation_logs').select('operation').where('order_id', '=', orderId).where('source', '=', 'orchestrator.github'))
	const notes = ({ db }: ReturnType<typeof setUp>, orderId: string) => db.all(sql.selectFrom('followups').select('note').where('order_id', '=', orderId))
	const closed = (branch: string, more: object = {}) => ({ action: 'closed', sender: user('mia'), pull_request: pull(branch, { merged: false, closed_at: new Date(++lastId).toISOString(), ...more }) })

	it('a pull request that is closed is told to a person', async () => {
		const services = setUp()
		const orderId = await ownOrder(services)
		expect((await services.send('pull_request', closed(`factory/${orderId}`))).status).toBe('done')
		expect(await logged(services, orderId)).toEqual([{ operation: 'pull-request.closed' }])
		expect(await notes(services, orderId)).toEqual([{ note: 'Pull request 9 of acme/shop was closed without being merged, by mia.' }])
	})

	it('one that is merged while work is under way, too', async () => {
		const services = setUp()
		const orderId = await ownOrder(services)
		await services.send('pull_request', closed(`factory/${orderId}`, { merged: true, merge_commit_sha: 'b'.repeat(40) }))
		expect(await logged(services, orderId)).toEqual([{ operation: 'pull-request.merged' }])
		expect((await notes(services, orderId))[0]?.note).toMatch(/work under way/)
	})

	it('one of another number or another repository changes nothing', async () => {
		const services = setUp()
		const [orderId, elsewhere] = [await ownOrder(services), await ownOrder(services, 'acme/other')]
		for (const event of [closed(`factory/${orderId}`, { number: 10 }), closed(`factory/${elsewhere}`), closed('topic')]) expect((await services.send('pull_request', event)).status).toBe('ignored')
		expect([...(await logged(services, orderId)), ...(await logged(services, elsewhere))]).toEqual([])
	})

	it('a push is logged where orders start from', async () => {
		const services = setUp()
		const { send, db } = services
		await db.run(insertWorkspace({ workspaceId: WORKSPACE, kind: 'github', repository: 'Acme/Shop', defaultBranch: 'main', importUrl: null, createdAt: 1 }, { workerName: 'w' }))
		const push = (ref: string) => ({ sender: user('mia'), ref, before: 'a'.repeat(40), after: 'b'.repeat(40), forced: true, repository: { full_name: REPO, pushed_at: ++lastId } })
		expect(await send('push', push('refs/heads/main'))).toEqual({ status: 'done', result: { workspaceIds: [WORKSPACE] } })
		expect((await send('push', push('refs/heads/topic'))).status).toBe('ignored')
		expect((await send('push', push('refs/tags/main'))).status).toBe('ignored')
		const lines = await db.all(sql.selectFrom('operation_logs').select(['level', 'details']).where('operation', '=', 'workspace.pushed'))
		expect(lines).toEqual([{ level: 'warn', details: expect.stringContaining('"isForced":true') }])
	})

	it('pushes are forgotten after a while, and what started work is not', async () => {
		const { send, db } = setUp()
		const event = comment('/vibehq Only once')
		await send('issue_comment', event)
		await send('push', { sender: user('mia'), ref: 'refs/heads/topic', before: 'a'.repeat(40), after: 'b'.repeat(40), forced: false, repository: { full_name: REPO, pushed_at: ++lastId } })
		await db.run(forgetPushes(clock))
		expect(await db.all(sql.selectFrom('webhook_deliveries').select('id').where('event', '=', 'push').where('created_at', '<', clock))).toEqual([])
		await db.run(forgetPushes(clock + 1))
		expect(await db.all(sql.selectFrom('webhook_deliveries').select('id').where('event', '=', 'push'))).toEqual([])
		expect((await send('issue_comment', event)).status).toBe('repeated')
	})
})
