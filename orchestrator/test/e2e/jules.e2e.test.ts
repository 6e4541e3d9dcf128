// Jules beside a CLI: other steps, the same landing and the same records. The cloud is the stand-in of @shared/testing/jules.
import { createHmac, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { PatchSet } from '@shared/contracts'
import type { ExecutionView, HumanRequest, LogEntry, Page } from '@shared/contracts'
import { query } from './support/books.ts'
import { guardSecrets } from './support/canary.ts'
import { until } from './support/gate.ts'
import { decide, requestOf } from './support/landingTalk.ts'
import { linesOf, place, sharedStack } from './support/stack.ts'
import type { OrderSpec, PlacedOrder, SettledOrder } from './support/stack.ts'

const WEBHOOK_SECRET = `whsec_${randomBytes(24).toString('base64')}`
// Jules and one CLI: who of the two comes first is decided by the cost profile alone.
const shared = sharedStack({
	runners: 1,
	jules: true,
	models: { emulator: [], keys: { codex: `key-of-codex-${randomBytes(16).toString('hex')}` } },
	vars: { JULES_POLL_MS: '300', JULES_PLAN_APPROVAL: 'ask', JULES_WEBHOOK_SECRET: WEBHOOK_SECRET },
})
guardSecrets(shared)
beforeAll(() => void shared.stack.secrets.push(WEBHOOK_SECRET))

const NEW_BUILD = { files: {}, prompt: 'Build a greeter' }
const BUILD: OrderSpec['scenario'] = { steps: [{ write: { path: 'src/greet.js', content: "export const greet = () => 'hello'\n" } }, { write: { path: 'README.md', content: 'A greeter.' } }, { say: 'A greeter.' }] }
const BUILT = { 'src/greet.js': "export const greet = () => 'hello'\n", 'README.md': 'A greeter.' }
const DONE = { 'done.txt': 'done\n' }

const jules = () => shared.stack.jules ?? expect.unreachable('the stack has no Jules')
const callsOf = (method: string, { sessionId, token }: { sessionId?: string; token?: string }) =>
	jules().calls.filter((call) => call.method === method && (sessionId === undefined || call.path.includes(sessionId)) && (token === undefined || JSON.stringify(call.body).includes(token)))

async function approvePlan({ executionId }: { executionId: string }): Promise<HumanRequest> {
	const request = await requestOf(shared.stack, executionId)
	expect(request.kind).toBe('plan-approval')
	return decide(shared.stack, request, 'approve')
}

const sessionOf = (log: LogEntry[]) => String(linesOf(log, 'execution.dispatched')[0]?.details['session'])

describe('the same order through Jules and through a CLI', () => {
	const validate = ['test -e src/greet.js']
	let byJules: SettledOrder
	let byCLI: SettledOrder
	let asked: HumanRequest[]

	beforeAll(async () => {
		const { stack } = shared
		const [ours, theirs] = await Promise.all([
			place(stack, { ...NEW_BUILD, provider: 'jules', validate, scenario: {}, jules: { steps: [{ ask: 'In which language?' }, ...([BUILD].flat()[0]?.steps ?? [])] } }),
			place(stack, { ...NEW_BUILD, provider: 'codex', validate, scenario: BUILD }),
		])
		byCLI = await theirs.settled()
		await approvePlan(ours)
		const question = await until('Jules asks', async () => {
			const { items } = await stack.client.call<Page<HumanRequest>>('GET', `/api/human-requests?subjectId=${ours.executionId}`)
			return items.find(({ kind }) => kind === 'question')
		})
		// The session goes on in its cloud, and its Workflow where it was.
		await stack.restartOrchestrator()
		await stack.client.call('POST', `/api/human-requests/${question.requestId}/decision`, { body: { decision: 'approve', digest: question.digest, answer: 'In JavaScript.' } })
		byJules = await ours.settled()
		asked = (await stack.client.call<Page<HumanRequest>>('GET', `/api/human-requests?subjectId=${ours.executionId}`)).items
	})

	it('lands exactly what it did, on the branch of its order', async () => {
		expect(byJules.execution).toMatchObject({ status: 'completed', phase: 'settled', error: null, provider: 'jules', providerType: 'jules', attempt: 1, baseCommit: byJules.base.commit })
		for (const settled of [byJules, byCLI]) {
			const landed = await settled.clone()
			expect(await landed.tree()).toEqual(BUILT)
			expect(await landed.git('rev-parse', 'HEAD', 'HEAD^')).toBe(`${settled.execution.landedCommit}\n${settled.base.commit}`)
			expect((await landed.git('log', '-1', '--format=%(trailers:key=Provider,valueonly)')).trim()).toBe(settled.execution.provider)
		}
	})

	it('leaves the same kind of record', async () => {
		const shape = (view: ExecutionView) => Object.fromEntries(Object.entries(view).map(([name, value]) => [name, value === null ? 'null' : typeof value]))
		const { usage: _ofJules, model: _model, ...own } = shape(byJules.execution)
		const { usage: _ofCLI, model: _none, ...theirs } = shape(byCLI.execution)
		expect(own).toEqual(theirs)
		expect(byJules.execution.cost).toEqual({ usd: 0, unpriced: true, calls: 1 })
		const phases = (view: ExecutionView) => Object.keys(view.phasesMs).filter((name) => !name.startsWith('runner.'))
		expect(phases(byJules.execution)).toEqual(phases(byCLI.execution))
		const steps = (log: LogEntry[]) => log.map(({ operation }) => operation).filter((operation) => !/^(queue|human|agent\.(?!finished))/.test(operation))
		// A session's set is stored when it is seen, which is before its end too.
		expect(steps(byJules.log)).toEqual(steps(byCLI.log))
		const [own_, theirs_] = await Promise.all([byJules, byCLI].map(async ({ execution }) => PatchSet.parse(await shared.stack.client.patchSet(execution.executionId))))
		expect(own_?.files).toEqual(theirs_?.files)
		expect(own_).toMatchObject({ metadata: { provider: 'jules' }, base_commit: byJules.base.commit, patch_set_id: byJules.execution.patchSetId })
		expect(Object.keys(own_ ?? {})).toEqual(Object.keys(theirs_ ?? {}))
	})

	it('asked a person about the plan and about what it did not know', () => {
		expect(asked.map(({ kind, status, decidedBy }) => [kind, status, decidedBy])).toEqual([
			['plan-approval', 'approved', 'local-operator'],
			['question', 'approved', 'local-operator'],
		])
		const [plan, question] = asked
		expect(plan?.question).toContain('Write src/greet.js')
		expect(question?.question).toContain('In which language?')
		const sessionId = sessionOf(byJules.log)
		expect(callsOf('sessions.approvePlan', { sessionId })).toHaveLength(1)
		expect(callsOf('sessions.sendMessage', { sessionId }).map(({ body }) => body)).toEqual([{ prompt: 'In JavaScript.' }])
	})

	it('is one session, whatever died meanwhile', () => {
		const created = callsOf('sessions.create', { token: byJules.token })
		expect(created).toHaveLength(1)
		expect(created[0]?.body).toMatchObject({ title: expect.stringContaining(`[vibehq ${byJules.executionId}]`), requirePlanApproval: true, automationMode: 'AUTOMATION_MODE_UNSPECIFIED' })
		expect(created[0]?.body).not.toHaveProperty('sourceContext')
		expect(linesOf(byJules.log, 'execution.dispatched')).toHaveLength(1)
	})
})

describe('what Jules may take', () => {
	it('is no hosted workspace that has files', async () => {
		const refused = await place(shared.stack, { files: { 'a.txt': 'a\n' }, provider: 'jules', scenario: {} }).catch((error: unknown) => error)
		expect(refused).toMatchObject({ status: 422, body: { code: 'PROVIDER_NOT_ELIGIBLE', message: expect.stringContaining('a workspace that has no files yet') } })
	})
})

describe('a session that is not wanted any more', () => {
	it('is archived, and its question is withdrawn', async () => {
		const { stack } = shared
		const placed = await place(stack, { ...NEW_BUILD, provider: 'jules', scenario: {}, jules: { steps: [{ write: { path: 'done.txt', content: 'done\n' } }] } })
		const request = await requestOf(stack, placed.executionId)
		await stack.client.cancel(placed.executionId, 'Not needed any more.')
		const { execution, log } = await placed.settled()
		expect(execution).toMatchObject({ status: 'cancelled', error: { code: 'EXECUTION_CANCELLED' }, landedCommit: null, nextExecutionId: null })
		expect(callsOf('sessions.archive', { sessionId: sessionOf(log) })).toMatchObject([{ status: 200 }])
		expect(linesOf(log, 'agent.failed')).toMatchObject([{ details: { isArchived: true } }])
		expect(await stack.client.call('GET', `/api/human-requests/${request.requestId}`)).toMatchObject({ status: 'superseded' })
	})
})

describe('the webhook', () => {
	const send = async (body: string, { id = `msg_${randomBytes(6).toString('hex')}`, secret = WEBHOOK_SECRET }: { id?: string; secret?: string } = {}) => {
		const timestamp = String(Math.floor(Date.now() / 1000))
		const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
		const signature = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
		const answer = await fetch(`${shared.stack.url}/webhooks/jules`, { method: 'POST', body, headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } })
		return { status: answer.status, body: (await answer.json()) as { isWoken?: boolean; error?: { code: string } } }
	}

	it('wakes the poll of a session, once a call', async () => {
		const { stack } = shared
		const placed = await place(stack, { ...NEW_BUILD, provider: 'jules', scenario: {}, jules: { steps: [{ write: { path: 'done.txt', content: 'done\n' } }] } })
		await requestOf(stack, placed.executionId)
		const body = JSON.stringify({ session: `sessions/${sessionOf(await stack.client.log(placed.executionId))}` })
		const id = `msg_${placed.token}`
		expect(await send(body, { id })).toEqual({ status: 202, body: { isWoken: true } })
		expect(await send(body, { id })).toMatchObject({ status: 409, body: { error: { code: 'IDEMPOTENCY_CONFLICT' } } })
		await approvePlan(placed)
		const { execution, clone } = await placed.settled()
		expect(execution.status).toBe('completed')
		expect(await (await clone()).tree()).toEqual(DONE)
	})

	it.each<[string, string, { secret?: string }, number, string]>([
		['a forged call', '{"session":"sessions/1"}', { secret: `whsec_${'A'.repeat(32)}` }, 401, 'UNAUTHENTICATED'],
		['one that is too large', JSON.stringify({ session: 'x'.repeat(20_000) }), {}, 413, 'PAYLOAD_TOO_LARGE'],
		['one that is no JSON', '{"session":', {}, 400, 'INVALID_JSON'],
		['another shape', '{"sessions":[]}', {}, 400, 'INVALID_INPUT'],
	])('refuses %s', async (_name, body, options, status, code) => {
		expect(await send(body, options)).toMatchObject({ status, body: { error: { code } } })
	})

	it('takes a call about a session that is not ours, and wakes nobody', async () => {
		expect(await send('{"session":"sessions/1"}')).toEqual({ status: 202, body: { isWoken: false } })
	})
})

describe('an outage', () => {
	it('of a CLI: Jules takes over, and is told what there is already', async () => {
		const spec: OrderSpec = {
			...NEW_BUILD,
			costProfile: 'performance',
			stallMs: 10_000,
			scenario: { provider: 'codex', steps: [{ write: { path: 'half.txt', content: 'half of the CLI\n' } }, { shell: 'sleep 300' }] },
			jules: { steps: [{ write: { path: 'done.txt', content: 'done\n' } }] },
		}
		const placed = await place(shared.stack, spec)
		const nextId = await until('another provider takes over', async () => (await shared.stack.client.execution(placed.executionId)).nextExecutionId ?? undefined, 60_000)
		await approvePlan({ executionId: nextId })
		const settled = await placed.settled()
		await expectTakeover(settled, ['codex', 'AGENT_STALLED'], 'jules')
		const [created] = callsOf('sessions.create', { token: placed.token })
		expect(JSON.stringify(created?.body)).toContain('+half of the CLI')
	})

	// The last one: the stand-in does not recover.
	it('of Jules: the CLI takes over, and is told what there is already', async () => {
		const { stack } = shared
		const placed = await place(stack, {
			...NEW_BUILD,
			costProfile: 'economy',
			scenario: { provider: 'codex', steps: [{ write: { path: 'done.txt', content: 'done\n' } }] },
			jules: { steps: [{ write: { path: 'half.txt', content: 'half of Jules\n' } }, { ask: 'Shall I go on?' }] },
		})
		await approvePlan(placed)
		const question = await waitForQuestion(placed)
		for (const on of ['activities.list', 'sessions.get'] as const) jules().addFault({ on, status: 503 })
		const settled = await placed.settled()
		await expectTakeover(settled, ['jules', 'PROVIDER_ERROR'], 'codex')
		expect(await stack.client.call('GET', `/api/human-requests/${question.requestId}`)).toMatchObject({ status: 'superseded' })
		expect(linesOf(await stack.client.log(placed.executionId), 'agent.unreachable')).toHaveLength(1)
		expect(await stack.client.patchSet(placed.executionId)).toMatchObject({ files: [{ path: 'half.txt', change: 'create' }], patches: [{ block: 'half of Jules\n' }] })
	})

	const waitForQuestion = ({ executionId }: PlacedOrder) =>
		until('Jules asks', async () => {
			const { items } = await shared.stack.client.call<Page<HumanRequest>>('GET', `/api/human-requests?subjectId=${executionId}`)
			return items.find(({ kind, status }) => kind === 'question' && status === 'pending')
		})

	async function expectTakeover(settled: SettledOrder, [first, code]: [string, string], second: string): Promise<void> {
		const { executions, execution, clone } = settled
		expect(executions.map(({ provider, status, error }) => [provider, status, error?.code])).toEqual([
			[first, 'failed', code],
			[second, 'completed', undefined],
		])
		expect(execution.route.reason).toContain(`${first} failed with ${code} and left ${executions[0].patchSetId}, which is handed over`)
		expect(execution.route.mode).toBe('fallback')
		const [row] = query<{ input: string }>(shared.stack, 'SELECT input FROM ai_provider_executions WHERE execution_id = ?', execution.executionId)
		expect(row?.input).toContain('+half of ')
		expect(await (await clone()).tree()).toEqual(DONE)
	}
})
