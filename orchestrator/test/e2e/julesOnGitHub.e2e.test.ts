// Jules on branches of GitHub: what a session starts on, where its change lands, and who goes on when it fails.
// Both clouds are stand-ins; we act on GitHub with a person's token here, and as an App in github.e2e.
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { PatchSet } from '@shared/contracts'
import type { ExecutionStarted, LogEntry, WorkspacePolicy } from '@shared/contracts'
import { guardSecrets } from './support/canary.ts'
import { connectGitHub, placeOnGitHub, sharedGitHub } from './support/gitHub.ts'
import { applyPatches, decide, requestOf } from './support/landingTalk.ts'
import { linesOf, sharedStack } from './support/stack.ts'

const REPO = 'acme/shop'
/** As GitHub and Jules write it: a source named after the order's words would be none. */
const SOURCE = 'sources/github/Acme/Shop'
const STRANGER = 'acme/stranger'
const TEXT = Array.from({ length: 30 }, (_, at) => `line ${at + 1}\n`).join('')
const FILES = { 'a.txt': TEXT, 'check.sh*': '#!/bin/sh\ntest -e a.txt\n' }
const edit = (line: number, to: string) => ({ edit: { path: 'a.txt', old: `line ${line}\n`, new: `${to}\n` } })

const gitHub = sharedGitHub([{ name: REPO, files: FILES }, { name: STRANGER, files: FILES }], { as: 'person' })
const shared = sharedStack({
	runners: 1,
	jules: true,
	models: { emulator: [], keys: { codex: `key-of-codex-${randomBytes(16).toString('hex')}` } },
	vars: Object.assign(gitHub.vars, { JULES_POLL_MS: '300' }),
})
guardSecrets(shared)
connectGitHub(shared, gitHub)

const jules = () => shared.stack.jules ?? expect.unreachable('the stack has no Jules')
const createdFor = (token: string) => jules().calls.filter(({ method, body }) => method === 'sessions.create' && JSON.stringify(body).includes(token)).map(({ body }) => body)
const commitOf = (name: string) => gitHub.fake.git(REPO, 'rev-parse', name)
const startsOn = (branch: string) => [expect.objectContaining({ sourceContext: { source: SOURCE, githubRepoContext: { startingBranch: branch } }, automationMode: 'AUTOMATION_MODE_UNSPECIFIED' })]
const openedPull = (log: LogEntry[]) => linesOf(log, 'pull-request.opened').map(({ details }) => details)

beforeAll(async () => {
	jules().addSource({ owner: 'Acme', repo: 'Shop', gitDir: await gitHub.fake.git(REPO, 'rev-parse', '--absolute-git-dir') })
	await gitHub.fake.git(REPO, 'branch', 'develop', 'main')
	await gitHub.fake.commit(REPO, { ...FILES, 'developed.txt': 'yes\n' }, { branch: 'develop' })
})

describe('an order on a given branch', () => {
	it('starts there, and lands what Jules made on that very commit, with a pull request of our own', async () => {
		const placed = await placeOnGitHub(shared.stack, { repo: REPO, branch: 'develop', provider: 'jules', validate: ['./check.sh', 'test -e developed.txt'], scenario: {}, jules: { steps: [edit(3, 'line three')], pullRequest: true } })
		const { execution, order, log } = await placed.settled()
		const develop = await commitOf('develop')
		expect(execution).toMatchObject({ status: 'completed', error: null, provider: 'jules', baseCommit: develop })
		expect(createdFor(placed.token)).toEqual(startsOn('develop'))
		expect(linesOf(log, 'execution.dispatched')).toMatchObject([{ details: { source: SOURCE, startingBranch: 'develop' } }])
		const set = PatchSet.parse(await shared.stack.client.patchSet(execution.executionId))
		expect(set).toMatchObject({ base_commit: develop, files: [{ path: 'a.txt', change: 'modify' }] })
		expect(await gitHub.fake.git(REPO, 'show', `${order.branch}:a.txt`)).toBe(TEXT.replace('line 3\n', 'line three\n').trimEnd())
		expect(await gitHub.fake.git(REPO, 'rev-parse', order.branch, `${order.branch}^`)).toBe(`${execution.landedCommit}\n${develop}`)
		// The one that Jules opened by itself is told of; ours is the order's.
		const own = openedPull(log)
		expect(own).toEqual([{ number: order.pullRequest?.number, url: order.pullRequest?.url, head: order.branch, base: 'develop' }])
		const theirs = linesOf(log, 'agent.finished').map(({ details }) => details['pullRequests'])
		expect(theirs).toEqual([[expect.stringMatching(/^https:\/\/github\.com\/Acme\/Shop\/pull\/\d+$/)]])
	})

	it('is not started where the repository is not connected, and says what to do', async () => {
		const placed = await placeOnGitHub(shared.stack, { repo: STRANGER, provider: 'jules', scenario: {}, jules: {} })
		const { execution } = await placed.settled()
		expect(execution).toMatchObject({ status: 'failed', error: { code: 'PROVIDER_REFUSED', message: expect.stringContaining('Connect it at https://jules.google.com') } })
		expect(createdFor(placed.token)).toEqual([])
	})
})

describe('a change that no patch set can hold', () => {
	it('does not land, and a person gets it as Jules handed it in', async () => {
		const { stack } = shared
		const placed = await placeOnGitHub(stack, { repo: REPO, provider: 'jules', scenario: {}, jules: { steps: [edit(7, 'line seven'), { shell: "printf 'a\\000b' > logo.bin" }] } })
		const { execution, order } = await placed.settled()
		const rawPatch = `/api/executions/${placed.executionId}/raw-patch`
		expect(execution).toMatchObject({ status: 'failed', patchSetId: null, error: { code: 'PATCH_BINARY_UNSUPPORTED', details: { rawPatch } } })
		expect(await gitHub.fake.git(REPO, 'for-each-ref', `refs/heads/${order.branch}`)).toBe('')
		const answer = await fetch(`${stack.url}${rawPatch}`, { headers: { authorization: `Bearer ${stack.operatorToken}` } })
		expect(await answer.text()).toMatch(/\+line seven\n[^]*Binary files \/dev\/null and b\/logo\.bin differ/)
		expect((await fetch(`${stack.url}${rawPatch}`)).status).toBe(401)
	})
})

describe('a new build', () => {
	it('starts on the commits that its factory has put on the branch of the order', async () => {
		const { stack } = shared
		const token = `token-${randomBytes(6).toString('hex')}`
		jules().addScenarios([{ name: token, match: token, provider: 'jules', jules: { steps: [{ edit: { path: 'app/start.txt', old: 'frame\n', new: 'frame\nbuilt\n' } }] } }])
		const { orderId, taskId, workspaceId } = await stack.client.createOrder({ prompt: `Build it (${token})`, provider: 'jules', workspace: { kind: 'github', repo: REPO, branch: 'main' }, execute: false })
		const branch = `factory/${orderId}`
		const main = await commitOf('main')
		const frame = await applyPatches(stack, {
			workspaceId: workspaceId ?? expect.unreachable('the order has no workspace'), branch, orderId, baseCommit: main,
			patches: [{ task_id: taskId, file: 'app/start.txt', operation: 'append', block: 'frame\n', metadata: { provider: 'factory' } }],
		})
		expect(frame).toMatchObject({ status: 'landed', branch })
		const started = await stack.client.call<ExecutionStarted>('POST', '/api/ai-providers/execute', { body: { taskId } })
		const execution = await stack.client.settled(started.executionId)
		expect(execution).toMatchObject({ status: 'completed', error: null, provider: 'jules', baseCommit: frame.commit })
		expect(createdFor(token)).toEqual(startsOn(branch))
		expect(await gitHub.fake.git(REPO, 'log', '--format=%H', `main..${branch}`)).toBe(`${execution.landedCommit}\n${frame.commit}`)
		expect(await gitHub.fake.git(REPO, 'show', `${branch}:app/start.txt`)).toBe('frame\nbuilt')
		expect(openedPull(await stack.client.log(started.executionId))).toMatchObject([{ head: branch, base: 'main' }])
	})
})

describe('a workspace whose policy wants plans approved', () => {
	it('has a person decide before anything is written; a no ends the work and puts the session away', async () => {
		const { stack } = shared
		await gitHub.fake.git(REPO, 'branch', 'careful', 'main')
		const spec = { repo: REPO, branch: 'careful', provider: 'jules' as const, scenario: {}, jules: { steps: [edit(5, 'line five')] } }
		const first = await placeOnGitHub(stack, spec)
		const { order: { workspaceId } } = await first.settled()
		expect(createdFor(first.token)).toMatchObject([{ requirePlanApproval: false }])
		const policy = await stack.client.call<WorkspacePolicy>('PUT', `/api/workspaces/${workspaceId}/policy`, { body: { planApproval: 'ask' } })
		expect(policy.planApproval).toBe('ask')
		const second = await placeOnGitHub(stack, spec)
		const request = await requestOf(stack, second.executionId)
		expect([request.kind, request.details]).toEqual(['plan-approval', expect.objectContaining({ stepCount: 1 })])
		await decide(stack, request, 'reject', 'not that line')
		const { execution, log } = await second.settled()
		expect(execution).toMatchObject({ status: 'failed', landedCommit: null, nextExecutionId: null, error: { code: 'HUMAN_REJECTED', message: expect.stringContaining('not that line') } })
		expect(linesOf(log, 'agent.failed')).toMatchObject([{ details: { isArchived: true } }])
	})
})

describe('a limit of Jules', () => {
	it('parks an order that nobody else may take until the moment that Jules names', async () => {
		jules().addFault({ on: 'sessions.create', status: 429, retryAfterS: 2, times: 1 })
		const placed = await placeOnGitHub(shared.stack, { repo: REPO, provider: 'jules', scenario: {}, jules: { steps: [edit(11, 'line eleven')] } })
		const { execution, log } = await placed.settled()
		expect(execution).toMatchObject({ status: 'completed', error: null, attempt: 1 })
		const [parked, ...more] = linesOf(log, 'execution.parked')
		expect([parked?.details, more]).toEqual([expect.objectContaining({ limitedBy: 'rate-limit', forecastAt: expect.any(Number), lookAgainAt: expect.any(Number) }), []])
		const calls = jules().calls.filter(({ method, body }) => method === 'sessions.create' && JSON.stringify(body).includes(placed.token))
		expect(calls.map(({ status }) => status)).toEqual([429, 200])
		expect(linesOf(log, 'execution.dispatched')[0]?.at).toBeGreaterThanOrEqual(Number(parked?.details['forecastAt']))
	})
})

describe('an outage of Jules', () => {
	// The last one: the stand-in does not recover.
	it('is no end of the order: a CLI goes on in the same workspace, and is told what there is already', async () => {
		const { stack } = shared
		const placed = await placeOnGitHub(stack, {
			repo: REPO, branch: 'develop', costProfile: 'economy', validate: ['./check.sh'],
			scenario: { provider: 'codex', steps: [edit(9, 'line nine of the CLI')] },
			jules: { steps: [edit(9, 'line nine of Jules'), { ask: 'Shall I go on?' }] },
		})
		expect((await requestOf(stack, placed.executionId)).kind).toBe('question')
		for (const on of ['activities.list', 'sessions.get'] as const) jules().addFault({ on, status: 503 })
		const { execution, order, log } = await placed.settled()
		const first = await stack.client.execution(placed.executionId)
		expect(first).toMatchObject({ provider: 'jules', status: 'failed', error: { code: 'PROVIDER_ERROR' }, workspaceId: order.workspaceId })
		expect(await stack.client.patchSet(placed.executionId)).toMatchObject({ base_commit: first.baseCommit, patches: [{ block: 'line nine of Jules\n' }] })
		expect(execution).toMatchObject({ provider: 'codex', status: 'completed', error: null, workspaceId: order.workspaceId, route: { mode: 'fallback', reason: expect.stringContaining(`left ${first.patchSetId}, which is handed over`) } })
		expect(await gitHub.fake.git(REPO, 'show', `${order.branch}:a.txt`)).toBe(TEXT.replace('line 9\n', 'line nine of the CLI\n').trimEnd())
		expect(openedPull(log)).toMatchObject([{ head: order.branch, base: 'develop' }])
	})
})
