// Orders on GitHub: from a branch of a repository to a pull request, what people say and do there, and what must not happen.
import { randomUUID } from 'node:crypto'
import { expect, describe, it } from 'vitest'
import type { HumanRequest, WorkspaceView } from '@shared/contracts'
import { git, RequestRefused } from '@shared/testing/stack'
import { query } from './support/books.ts'
import { guardSecrets } from './support/canary.ts'
import { createGate, until } from './support/gate.ts'
import type { PlacedOrder } from './support/stack.ts'
import { connectGitHub, placeOnGitHub, scriptToken, sharedGitHub } from './support/gitHub.ts'
import { addTask, decide, requestOf, tasksWhenDone } from './support/landingTalk.ts'
import { linesOf, sharedStack, tempFolder } from './support/stack.ts'

const REPO = 'acme/shop'
const LIMITED = 'acme/limited'
const TEXT = Array.from({ length: 30 }, (_, at) => `line ${at + 1}\n`).join('')
const edit = (line: number, to: string) => ({ steps: [{ edit: { path: 'a.txt', old: `line ${line}\n`, new: `${to}\n` } }] })
const write = (path: string, content: string) => ({ steps: [{ write: { path, content } }] })

const gitHub = sharedGitHub([
	{ name: REPO, isPrivate: true, files: { 'a.txt': TEXT, 'check.sh*': '#!/bin/sh\necho "checked it"\n' }, collaborators: { will: 'write', rea: 'read' } },
	{ name: LIMITED, files: { 'a.txt': TEXT } },
	{ name: 'acme/empty' },
])
const shared = sharedStack({ vars: gitHub.vars })
guardSecrets(shared)
connectGitHub(shared, gitHub)

interface Pull { number: number; title: string; body: string; state: string; head: { ref: string }; base: { ref: string } }
/** Pull requests of a branch as GitHub has them, asked with a credential of the App. */
async function pullsOf(repo: string, branch: string): Promise<Pull[]> {
	const answers = await Promise.all(gitHub.fake.issuedTokens().map((token) => fetch(`${gitHub.fake.url}/repos/${repo}/pulls?state=all&head=acme:${branch}`, { headers: { authorization: `Bearer ${token}` } })))
	const answer = answers.find(({ ok }) => ok)
	if (answer === undefined) throw new Error('No credential of the App may read pull requests.')
	return (await answer.json()) as Pull[]
}
const show = (repo: string, name: string) => gitHub.fake.git(repo, 'show', name)

describe('an order on a branch of a repository', () => {
	it('lands as a commit on its own branch, with a pull request that says what was done, checked and paid', async () => {
		const { stack } = shared
		const placed = await placeOnGitHub(stack, { repo: REPO, provider: 'codex', validate: ['./check.sh'], scenario: { steps: [...edit(3, 'line three').steps, { say: 'Fixed it. Closes #1, thanks @octocat' }] } })
		const { execution, order, log } = await placed.settled()
		expect(execution).toMatchObject({ status: 'completed', error: null })
		expect(await show(REPO, `${order.branch}:a.txt`)).toBe(TEXT.replace('line 3\n', 'line three\n').trimEnd())
		expect(await gitHub.fake.git(REPO, 'rev-parse', order.branch)).toBe(execution.landedCommit)
		expect(await gitHub.fake.git(REPO, 'rev-parse', `${order.branch}^`)).toBe(await gitHub.fake.git(REPO, 'rev-parse', 'main'))
		const [pull, ...others] = await pullsOf(REPO, order.branch)
		expect(others).toEqual([])
		expect(order.pullRequest).toEqual({ number: pull?.number, url: `${gitHub.fake.url}/${REPO}/pull/${pull?.number}` })
		expect(pull).toMatchObject({ state: 'open', head: { ref: order.branch }, base: { ref: 'main' } })
		for (const part of ['Fixed it.', 'passed: `./check.sh`', 'checked it', execution.landedCommit, execution.patchSetId, '| `codex` |', `https://factory.example/api/executions/${execution.executionId}`]) expect(pull?.body).toContain(part)
		expect(pull?.body).toMatch(/### What it cost\n\n(At least )?\$\d/)
		const message = await gitHub.fake.git(REPO, 'log', '-1', '--format=%B', order.branch)
		expect([message, pull?.title].join('\n')).not.toMatch(/#1|@octocat/)
		expect(linesOf(log, 'pull-request.opened')).toHaveLength(1)
		const workspace = await stack.client.call<WorkspaceView>('GET', `/api/workspaces/${order.workspaceId}`)
		expect(workspace).toMatchObject({ kind: 'github', repository: REPO, defaultBranch: 'main' })
	})

	it('goes on: the next task changes the same pull request, and merges what somebody pushed meanwhile', async () => {
		const { stack } = shared
		const first = await placeOnGitHub(stack, { repo: REPO, provider: 'codex', scenario: edit(3, 'line three') })
		const { order, execution } = await first.settled()
		const gate = createGate(stack, 'meanwhile')
		const second = await addTask(stack, first as unknown as PlacedOrder, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, ...edit(30, 'line thirty').steps] } })
		const waiting = await gate.reached({ executionId: second.executionId } as PlacedOrder)
		const ours = TEXT.replace('line 3\n', 'line three\n')
		const pushed = await gitHub.fake.commit(REPO, { 'a.txt': ours.replace('line 15\n', 'line fifteen\n'), 'check.sh*': '#!/bin/sh\necho "checked it"\n' }, { branch: order.branch })
		const main = await gitHub.fake.commit(REPO, { 'a.txt': TEXT, 'check.sh*': '#!/bin/sh\necho "checked it"\n', 'b.txt': 'new\n' })
		waiting.open()
		expect(await stack.client.settled(second.executionId)).toMatchObject({ status: 'completed', error: null })
		expect((await tasksWhenDone(stack, first.orderId)).map(({ status }) => status)).toEqual(['completed', 'completed'])
		expect(await show(REPO, `${order.branch}:a.txt`)).toBe(ours.replace('line 15\n', 'line fifteen\n').replace('line 30\n', 'line thirty\n').trimEnd())
		expect(await gitHub.fake.git(REPO, 'rev-parse', `${order.branch}^`)).toBe(pushed)
		const pulls = await pullsOf(REPO, order.branch)
		expect(pulls.map(({ number }) => number)).toEqual([order.pullRequest?.number])
		for (const id of [execution.executionId, second.executionId]) expect(pulls[0]?.body).toContain(id)

		const merge = await gitHub.fake.merge(REPO, pulls[0]?.number ?? 0, 'will')
		expect(await gitHub.fake.git(REPO, 'rev-parse', `${merge}^1`)).toBe(main)
		const told = query<{ operation: string; details: string }>(stack, "SELECT operation, details FROM operation_logs WHERE source = 'orchestrator.github' AND (order_id = ? OR operation = 'workspace.pushed')", first.orderId)
		expect(told.map(({ operation }) => operation)).toEqual(['workspace.pushed', 'pull-request.merged'])
		expect(JSON.parse(told[1]?.details ?? '')).toMatchObject({ commit: merge, by: 'will' })
	})

	it('can be cloned through the gateway with a token of ours, and not pushed to', async () => {
		const { stack } = shared
		const { items } = await stack.client.call<{ items: WorkspaceView[] }>('GET', '/api/workspaces')
		const workspace = items.find(({ repository }) => repository === REPO)
		const folder = tempFolder(stack)
		await git(['clone', '--quiet', `${stack.url}${workspace?.clonePath}`, folder], { token: stack.operatorToken })
		expect((await git(['rev-parse', 'HEAD'], { cwd: folder })).trim()).toBe(await gitHub.fake.git(REPO, 'rev-parse', 'main'))
		await expect(git(['push', '--quiet', 'origin', 'HEAD:refs/heads/mine'], { cwd: folder, token: stack.operatorToken })).rejects.toThrow(/403|GIT_READ_ONLY/)
	})

	it.each([
		['no such repository', 'acme/nothing', 'main', 'FORBIDDEN', /not installed/],
		['no such branch', REPO, 'nothing', 'WORKSPACE_NOT_FOUND', /no branch nothing/],
		['a repository without a commit', 'acme/empty', 'main', 'WORKSPACE_NOT_FOUND', /first commit/],
	])('is refused with %s, before anything is stored', async (_what, repo, branch, code, message) => {
		const { stack } = shared
		const refusal = await placeOnGitHub(stack, { repo, branch, scenario: {} }).then(() => expect.unreachable('should have been refused'), (error: unknown) => error)
		expect(refusal).toBeInstanceOf(RequestRefused)
		expect((refusal as RequestRefused).body).toMatchObject({ code, message: expect.stringMatching(message) })
	})

	it('changes no workflow, not even when a person allows it', async () => {
		const { stack } = shared
		const placed = await placeOnGitHub(stack, { repo: REPO, provider: 'codex', scenario: write('.github/workflows/steal.yml', 'on: push\n') })
		const request: HumanRequest = await requestOf(stack, placed.executionId)
		await decide(stack, request, 'approve')
		const { execution, order } = await placed.settled()
		expect(execution).toMatchObject({ status: 'failed', error: { code: 'PATCH_POLICY', message: expect.stringContaining('.github/workflows/steal.yml') } })
		expect(order.pullRequest).toBeNull()
		expect(await gitHub.fake.git(REPO, 'for-each-ref', `refs/heads/${order.branch}`)).toBe('')
	})

	it('waits where GitHub limits us, and goes on', async () => {
		const { stack } = shared
		const placed = await placeOnGitHub(stack, { repo: LIMITED, provider: 'codex', scenario: edit(3, 'line three') })
		gitHub.fake.secondaryLimit({ method: 'POST', path: /acme\/limited\/git\/(trees|commits|refs)$/, retryAfterS: 2 })
		gitHub.fake.secondaryLimit({ method: 'POST', path: /acme\/limited\/pulls$/, retryAfterS: 2 })
		const { execution, log, order } = await placed.settled()
		expect(execution).toMatchObject({ status: 'completed', error: null })
		expect(linesOf(log, 'execution.parked').map(({ details }) => details['step'])).toEqual(['candidate commit', 'pull request'])
		expect(order.pullRequest).not.toBeNull()
	})

	it('can be cancelled while it waits', async () => {
		const { stack } = shared
		const placed = await placeOnGitHub(stack, { repo: LIMITED, provider: 'codex', scenario: edit(5, 'line five') })
		gitHub.fake.secondaryLimit({ method: 'POST', path: /acme\/limited\/git\/(trees|commits|refs)$/, retryAfterS: 3600 })
		await until('the execution is parked', async () => linesOf(await stack.client.log(placed.executionId), 'execution.parked').at(0))
		await stack.client.cancel(placed.executionId, 'not wanted any more')
		const { execution, order } = await placed.settled()
		expect(execution).toMatchObject({ status: 'cancelled', error: { code: 'EXECUTION_CANCELLED' } })
		expect(await gitHub.fake.git(LIMITED, 'for-each-ref', `refs/heads/${order.branch}`)).toBe('')
	})

	it('stays landed when the pull request cannot be opened; a person is told', async () => {
		const { stack } = shared
		const placed = await placeOnGitHub(stack, { repo: LIMITED, provider: 'codex', scenario: edit(4, 'line four') })
		gitHub.fake.fault({ method: 'POST', path: /acme\/limited\/pulls$/, status: 422, body: '{"message":"Validation Failed"}' })
		const { execution, order, log } = await placed.settled()
		expect([execution.status, order.status, order.pullRequest]).toEqual(['completed', 'completed', null])
		expect(linesOf(log, 'pull-request.failed')).toHaveLength(1)
		const notes = query<{ note: string }>(stack, 'SELECT note FROM followups WHERE order_id = ?', order.orderId)
		expect(notes).toEqual([{ note: expect.stringMatching(/has landed, but its pull request/) }])
	})
})

describe('what people write on GitHub', () => {
	const ordersWith = (text: string) => query<{ id: string }>(shared.stack, 'SELECT id FROM orders WHERE prompt LIKE ?', `%${text}%`).map(({ id }) => id)
	const answers = async (number: number) => {
		const [token] = gitHub.fake.issuedTokens().slice(-1)
		const response = await fetch(`${gitHub.fake.url}/repos/${REPO}/issues/${number}/comments`, { headers: { authorization: `Bearer ${token}` } })
		return ((await response.json()) as { body: string; user: { login: string } }[]).filter(({ user }) => user.login === 'vibehq[bot]').map(({ body }) => body)
	}

	it('starts an order and is answered; a remark on its pull request becomes the next task', async () => {
		const { stack } = shared
		const token = scriptToken(stack, edit(5, 'line five'))
		const issue = gitHub.fake.openIssue(REPO, 'It is broken')
		await gitHub.fake.comment(REPO, { number: issue, login: 'will', body: `/vibehq Mend it (${token})` })
		const [orderId, ...others] = ordersWith(token)
		expect(others).toEqual([])
		expect(await answers(issue)).toEqual([expect.stringContaining(`https://factory.example/api/orders/${orderId}`)])
		const order = await until('the order has ended', async () => {
			const view = await stack.client.order(orderId ?? '')
			return view.status === 'open' ? undefined : view
		}, 60_000)
		expect(order).toMatchObject({ status: 'completed', pullRequest: { number: expect.any(Number) } })

		const next = scriptToken(stack, edit(6, 'line six'))
		await gitHub.fake.comment(REPO, { number: order.pullRequest?.number ?? 0, login: 'will', body: `Line 6 too (${next})`, review: { path: 'a.txt', line: 6 } })
		const tasks = await tasksWhenDone(stack, order.orderId)
		expect(tasks.map(({ status }) => status)).toEqual(['completed', 'completed'])
		expect(tasks[1]?.prompt).toMatch(/^A reviewer wrote this about "a.txt", line 6:/)
		expect(await show(REPO, `${order.branch}:a.txt`)).toContain('line six')
	})

	it('starts nothing for a person who may not write, nor twice', async () => {
		const { stack } = shared
		const issue = gitHub.fake.openIssue(REPO, 'Another')
		await gitHub.fake.comment(REPO, { number: issue, login: 'rea', body: '/vibehq Let me in' })
		expect(ordersWith('Let me in')).toEqual([])
		const token = scriptToken(stack, edit(7, 'line seven'))
		await gitHub.fake.comment(REPO, { number: issue, login: 'will', body: `/vibehq Do it (${token})` })
		const delivery = gitHub.fake.deliveries.findLast(({ event, body }) => event === 'issue_comment' && body.includes(token) && !body.includes('factory.example'))
		expect((await gitHub.fake.redeliver(delivery?.id ?? '')).status).toBe(202)
		expect(ordersWith(token)).toHaveLength(1)
		expect(await answers(issue)).toHaveLength(1)
		await tasksWhenDone(stack, ordersWith(token)[0] ?? '')
	})

	it.each([
		['forged', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }, '{}', 401, 'UNAUTHENTICATED'],
		['not signed', {}, '{}', 401, 'UNAUTHENTICATED'],
		['too large', {}, 'x'.repeat(4 * 1024 * 1024 + 1), 413, 'PAYLOAD_TOO_LARGE'],
	])('is refused when it is %s', async (_how, headers, body, status, code) => {
		const answer = await fetch(`${shared.stack.url}/webhooks/github`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-github-event': 'ping', 'x-github-delivery': randomUUID(), ...headers }, body })
		expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([status, code])
	})
})
