import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ExecutionId, WorkspaceId } from '@shared/contracts'
import { mintToken } from '@shared/worker-base/token'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createTestHarness } from 'wrangler'

const harness = createTestHarness({ root: import.meta.dirname, workers: [{ configPath: join(import.meta.dirname, 'wrangler.jsonc') }] })
const START = { type: 'message_start', message: { model: 'claude-sonnet-5', usage: { input_tokens: 10, output_tokens: 1 } } }
const END = { type: 'message_delta', usage: { output_tokens: 7 } }
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const answers: ServerResponse[] = []
const provider = createServer((_request, response) => {
	response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(START))
	answers.push(response)
})
let base: string
let count = 0

beforeAll(async () => {
	await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
	base = (await harness.listen()).url.href
	await harness.getWorker('gateways-test').applyD1Migrations('DB')
	await fetch(new URL('/test/upstream', base), { method: 'POST', body: `http://127.0.0.1:${(provider.address() as AddressInfo).port}` })
})
afterAll(async () => {
	await harness.close()
	provider.closeAllConnections()
	provider.close()
})

async function call(signal?: AbortSignal) {
	count += 1
	const executionId = ExecutionId.parse(`EXE-${String(count).padStart(16, '0')}`)
	await fetch(new URL(`/test/execution/${executionId}`, base), { method: 'POST' })
	const workspaceId = WorkspaceId.parse('wsp-000000000000')
	const token = await mintToken(btoa('k'.repeat(32)), { kind: 'execution', subject: executionId, executionId, provider: 'claude', workspaceId, workerName: 't', ttlMs: 60_000 }, Date.now())
	const response = await fetch(new URL('/gateway/claude/v1/messages', base), { method: 'POST', headers: { 'x-api-key': token }, body: '{}', ...(signal ? { signal } : {}) })
	const reader = response.body?.getReader()
	const next = async () => new TextDecoder().decode((await reader?.read())?.value)
	const calls = async () => (await (await fetch(new URL(`/test/calls/${executionId}`, base))).json()) as Record<string, unknown>[]
	return { next, calls }
}

it('lets each event through when it comes, and books the call at the end', async () => {
	const { next, calls } = await call()
	expect(await next()).toBe(event(START))
	expect(await calls()).toEqual([])
	answers.at(-1)?.end(event(END))
	expect(await next()).toBe(event(END))
	expect(await next()).toBe('')
	await vi.waitFor(async () => expect(await calls()).toEqual([expect.objectContaining({ output_tokens: 7, error_code: null })]), { timeout: 5000 })
})

it('books the call of a client that hangs up', async () => {
	const client = new AbortController()
	const { next, calls } = await call(client.signal)
	expect(await next()).toBe(event(START))
	client.abort()
	// Locally a closed connection shows only when something is written to it.
	const ping = setInterval(() => answers.at(-1)?.write(': ping\n\n'), 20)
	await vi.waitFor(async () => expect(await calls()).toEqual([expect.objectContaining({ input_tokens: 10, error_code: 'CLIENT_ABORTED' })]), { timeout: 5000 })
	clearInterval(ping)
})
