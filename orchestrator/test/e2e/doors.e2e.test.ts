// What the doors of the running system refuse, and that a repeated call or message does nothing twice.
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OrderView, Page } from '@shared/contracts'
import { git } from '@shared/testing/stack'
import { mintToken } from '@shared/worker-base/token'
import { guardSecrets } from './support/canary.ts'
import { startQueueSender } from './support/queueSender.ts'
import { linesOf, makeWorkspace, place, placedOrders, script, sharedStack, tempFolder } from './support/stack.ts'

const shared = sharedStack({ runners: 1, runner: { extraArgs: ['--concurrency', '3'] } })
guardSecrets(shared)
const HOUR_MS = 3_600_000

// An agent that pushes by itself: with the credentials it was given (none), and with the token that it finds in its environment.
const PUSHES = `git commit --quiet --allow-empty --message mine
git push origin HEAD:refs/heads/main >push.txt 2>&1; echo "exit $?" >>push.txt
git -c http.extraHeader="Authorization: Bearer $ANTHROPIC_API_KEY" push origin HEAD:refs/heads/main >pushWithToken.txt 2>&1; echo "exit $?" >>pushWithToken.txt`
const ended = placedOrders(shared, {
	quick: { provider: 'codex', scenario: { steps: [{ write: { path: 'result.txt', content: 'done\n' } }] } },
	pushes: { provider: 'claude', scenario: { steps: [{ shell: PUSHES }] } },
})

interface Answer {
	status: number
	body: { orderId?: string; executionId?: string; error: { code: string; message: string; type?: string } }
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
	const answer = await fetch(shared.stack.url + path, {
		method: 'POST',
		headers: { authorization: `Bearer ${shared.stack.operatorToken}`, 'content-type': 'application/json', ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	})
	return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

describe('bad orders', () => {
	const HOSTED = { kind: 'hosted' }
	it.each<[string, unknown, number, string, RegExp]>([
		['no JSON', '{"prompt": ', 400, 'INVALID_JSON', /cannot be read/],
		['a list', [], 400, 'INVALID_INPUT', /expected object/],
		['a prompt that is a number', { prompt: 7, workspace: HOSTED }, 400, 'INVALID_INPUT', /prompt: .*expected string/],
		['an empty prompt', { prompt: ' \n ', workspace: HOSTED }, 400, 'INVALID_INPUT', /prompt: /],
		['a prompt that is too long', { prompt: 'x'.repeat(100_001), workspace: HOSTED }, 400, 'INVALID_INPUT', /prompt: .*100000/],
		['a body that is too big', { prompt: 'x', workspace: HOSTED, context: { blob: 'x'.repeat(8_000_000) } }, 413, 'PAYLOAD_TOO_LARGE', /bytes/],
		['no workspace', { prompt: 'x' }, 400, 'INVALID_INPUT', /workspace: /],
		['a workspace that nobody made', { prompt: 'x', workspace: { ...HOSTED, workspaceId: 'wsp-zzzzzzzzzzzz' } }, 404, 'WORKSPACE_NOT_FOUND', /no workspace wsp-zzzzzzzzzzzz/],
		['a workspace id that is a path', { prompt: 'x', workspace: { ...HOSTED, workspaceId: '../../etc/passwd' } }, 400, 'INVALID_INPUT', /workspace/],
		['an import from the inside', { prompt: 'x', workspace: { ...HOSTED, importUrl: 'file:///etc/passwd' } }, 400, 'INVALID_INPUT', /workspace/],
		['a branch with ..', { prompt: 'x', workspace: { kind: 'github', repo: 'a/b', branch: '../x' } }, 400, 'INVALID_INPUT', /workspace/],
		['a provider that there is not', { prompt: 'x', workspace: HOSTED, provider: 'hal9000' }, 400, 'INVALID_INPUT', /provider: .*jules.*codex/],
		['a provider without its key', { prompt: 'x', workspace: HOSTED, provider: 'cursor' }, 422, 'PROVIDER_NOT_ELIGIBLE', /The secret CURSOR_API_KEY is not set/],
		['a negative budget', { prompt: 'x', workspace: HOSTED, budgetUsd: -1 }, 400, 'INVALID_INPUT', /budgetUsd: /],
		['a field that nobody knows', { prompt: 'x', workspace: HOSTED, colour: 'red' }, 400, 'INVALID_INPUT', /colour/],
	])('%s', async (_name, body, status, code, message) => {
		const answer = await post('/api/orders', body)
		expect(answer).toMatchObject({ status, body: { error: { code, message: expect.stringMatching(message) } } })
		expect(answer.body.error.message).not.toMatch(/ZodError|\n\s+at /)
	})

	it('a body of another type', async () => {
		expect(await post('/api/orders', 'prompt=x', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({ status: 415, body: { error: { code: 'UNSUPPORTED_MEDIA_TYPE' } } })
	})

	it('no token, a stranger\'s token, and one that may not order', async () => {
		const order = { prompt: 'x', workspace: { kind: 'hosted' } }
		const runnerToken = await shared.stack.mint('runner', 'a-runner')
		for (const [authorization, status, code] of [['', 401, 'UNAUTHENTICATED'], ['Bearer eyJhbGciOiJub25lIn0.e30.', 401, 'UNAUTHENTICATED'], [`Bearer ${runnerToken}`, 403, 'FORBIDDEN']] as const) {
			expect(await post('/api/orders', order, { authorization })).toMatchObject({ status, body: { error: { code } } })
		}
	})

	it('leave nothing behind that could run', async () => {
		const { items } = await shared.stack.client.call<Page<OrderView>>('GET', '/api/orders')
		const placed = await Promise.all([ended('quick'), ended('pushes')])
		const others = items.filter((item) => !placed.some(({ orderId }) => orderId === item.orderId))
		// The one that was right and found no provider is kept, and waits.
		expect(others.map((item) => [item.prompt, item.status, item.tasks[0]?.status, item.tasks[0]?.executionId])).toEqual([['x', 'open', 'pending', null]])
	})
})

describe('repeats', () => {
	it('the same order five times at once, by key, is one order that runs once', async () => {
		const { stack } = shared
		const base = await makeWorkspace(stack)
		const [key, token] = [randomUUID(), randomUUID()]
		script(stack, token, { steps: [{ write: { path: 'result.txt', content: 'once\n' } }] })
		const order = { prompt: `Write it (${token})`, provider: 'codex', workspace: { kind: 'hosted', workspaceId: base.workspace.workspaceId } }
		const answers = await Promise.all(Array.from({ length: 5 }, () => post('/api/orders', order, { 'idempotency-key': key })))
		expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202, 202, 202])
		expect(new Set(answers.map(({ body }) => `${body.orderId} ${body.executionId}`)).size).toBe(1)
		const execution = await stack.client.settled(String(answers[0]?.body.executionId))
		expect(execution).toMatchObject({ status: 'completed', orderId: answers[0]?.body.orderId, attempt: 1 })
		expect(await post('/api/orders', order, { 'idempotency-key': key })).toMatchObject({ status: 202, body: { executionId: execution.executionId } })
		expect(await post('/api/orders', { ...order, prompt: 'Another' }, { 'idempotency-key': key })).toMatchObject({
			status: 409,
			body: { error: { code: 'IDEMPOTENCY_CONFLICT', message: 'This Idempotency-Key was used with another body. Use a new key for new work.' } },
		})
	})

	it('a queue message that comes again starts nothing, whether its execution runs or has ended', async () => {
		const { stack } = shared
		const sender = await startQueueSender(stack)
		try {
			const done = await ended('quick')
			const running = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: 'sleep 300' }] } })
			await expect.poll(async () => (await stack.client.execution(running.executionId)).phase, { timeout: 30_000 }).toBe('wait')
			for (const { taskId, executionId } of [done, running]) {
				await sender.send({ task_id: taskId, execution_id: executionId, provider: 'codex', factory: 'local', cli_command: ['codex'], env_vars: [] })
				await expect.poll(async () => linesOf(await stack.client.log(executionId), 'queue.duplicate').length, { timeout: 15_000 }).toBe(1)
				const log = await stack.client.log(executionId)
				for (const once of ['workspace.ready', 'execution.dispatched']) expect(linesOf(log, once)).toHaveLength(1)
			}
			await stack.client.cancel(running.executionId, 'The test is over.')
			expect((await running.settled()).execution.status).toBe('cancelled')
		} finally {
			await sender.stop()
		}
	})
})

describe('execution tokens', () => {
	/** A token as the orchestrator would sign it, and the ways in which it can be wrong. */
	async function tokens() {
		const { executionId, base } = await ended('quick')
		const request = { kind: 'execution', subject: executionId, executionId, provider: 'codex', workspaceId: base.workspace.workspaceId, workerName: 'local', ttlMs: HOUR_MS } as const
		const other = await makeWorkspace(shared.stack)
		const sign = (more: object = {}, at = Date.now(), key = shared.stack.signingKey) => mintToken(key, { ...request, ...more }, at)
		return {
			own: await sign(),
			expired: await sign({}, Date.now() - 2 * HOUR_MS),
			'of another provider': await sign({ provider: 'claude' }),
			'of another workspace': await sign({ workspaceId: other.workspace.workspaceId }),
			'of an execution that there is not': await sign({ executionId: 'EXE-ZZZZZZZZZZZZZZZZ' }),
			'signed by somebody else': await sign({}, Date.now(), Buffer.alloc(32, 7).toString('base64')),
			'of an operator': shared.stack.operatorToken,
			'of a runner': await shared.stack.mint('runner', 'a-runner'),
			nonsense: 'nonsense',
		}
	}

	it('the model gateway refuses all but that of a running execution, in the format of the provider', async () => {
		const known = await tokens()
		const marker = randomUUID()
		const call = (token: string) => post('/gateway/codex/v1/responses', { model: 'gpt-5.5', input: marker, stream: false }, { authorization: `Bearer ${token}` })
		for (const [name, status, code] of [
			['nonsense', 401, 'UNAUTHENTICATED'],
			['signed by somebody else', 401, 'UNAUTHENTICATED'],
			['expired', 401, 'TOKEN_EXPIRED'],
			['of another provider', 403, 'FORBIDDEN'],
			['of an operator', 403, 'FORBIDDEN'],
			['of a runner', 403, 'FORBIDDEN'],
			['of an execution that there is not', 404, 'EXECUTION_NOT_FOUND'],
			['own', 409, 'EXECUTION_NOT_ACTIVE'],
		] as const) {
			expect(await call(known[name]), name).toMatchObject({ status, body: { error: { code, message: expect.stringMatching(new RegExp(`^${code}: .`)), type: 'invalid_request_error' } } })
		}
		expect(await post('/gateway/claude/v1/messages', { model: 'claude-sonnet-5', messages: [] }, { authorization: '', 'x-api-key': known.expired })).toMatchObject({ status: 401, body: { error: { type: 'authentication_error', message: expect.stringMatching(/^TOKEN_EXPIRED: /) } } })
		expect(shared.stack.emulator?.requests.some((request) => JSON.stringify(request.body ?? '').includes(marker))).toBe(false)
	})

	it('the git gateway opens their own workspace, for reading', async () => {
		const [{ base }, known] = await Promise.all([ended('quick'), tokens()])
		const ask = async (token: string, service: string) => {
			const answer = await fetch(`${base.url}/info/refs?service=${service}`, { headers: { authorization: `Basic ${btoa(`x:${token}`)}` } })
			return `${answer.status} ${(await answer.text()).split(':', 1)[0]?.replace(/^00.*/s, 'refs')}`
		}
		for (const [name, read, write] of [
			['own', '200 refs', '403 GIT_READ_ONLY'],
			['of an operator', '200 refs', '200 refs'],
			['of another workspace', '403 FORBIDDEN', '403 FORBIDDEN'],
			['of a runner', '403 FORBIDDEN', '403 GIT_READ_ONLY'],
			['expired', '401 TOKEN_EXPIRED', '401 TOKEN_EXPIRED'],
			['signed by somebody else', '401 UNAUTHENTICATED', '401 UNAUTHENTICATED'],
			['nonsense', '401 UNAUTHENTICATED', '401 UNAUTHENTICATED'],
		] as const) {
			expect([await ask(known[name], 'git-upload-pack'), await ask(known[name], 'git-receive-pack')], name).toEqual([read, write])
		}
		await expect(git(['ls-remote', base.url])).rejects.toThrow(/Authentication failed|could not read Username/)
	})
})

describe('pushes', () => {
	it('an agent cannot push, not even with its own token', async () => {
		const { execution, clone, base } = await ended('pushes')
		expect(execution.status, execution.error?.message).toBe('completed')
		const landed = await clone()
		const { 'push.txt': plain, 'pushWithToken.txt': withToken } = await landed.tree()
		expect(plain).toMatch(/could not read Username|Authentication failed/)
		expect(plain).toMatch(/exit 128\n$/)
		expect(withToken).toContain('GIT_READ_ONLY: This token may read the workspace, not push to it.')
		expect(withToken).toMatch(/exit 128\n$/)
		expect(await (await clone('main')).git('rev-parse', 'HEAD')).toBe(base.commit)
	})

	it('an operator cannot push where only landing writes', async () => {
		const { base, order, execution, clone } = await ended('quick')
		const folder = tempFolder(shared.stack)
		writeFileSync(join(folder, 'a.txt'), 'a\n')
		await git(['init', '--quiet', '--initial-branch=main'], { cwd: folder })
		await git(['add', '.'], { cwd: folder })
		await git(['commit', '--quiet', '--message', 'Mine'], { cwd: folder })
		const push = (ref: string) => git(['push', '--force', base.url, `HEAD:${ref}`], { cwd: folder, token: shared.stack.operatorToken })
		await expect(push(`refs/heads/${order.branch}`)).rejects.toThrow(/GIT_READ_ONLY: only landing moves this reference/)
		await push('refs/heads/mine')
		expect(await (await clone()).git('rev-parse', 'HEAD')).toBe(execution.landedCommit)
	})
})
