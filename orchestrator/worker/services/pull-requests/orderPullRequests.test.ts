import { expect, it } from 'vitest'
import { createTestServices, ORDER, ORIGIN, WORKSPACE } from '../../../test/support/services.ts'
import { sql } from '../../database/client.ts'
import { recordCall } from '../../database/repositories/gatewayCalls.ts'
import { changePatchSet, insertPatchSet } from '../../database/repositories/patchSets.ts'
import { createGitHubClient } from '../github/githubClient.ts'
import { createOrderPullRequests } from './orderPullRequests.ts'

const PLACE = { owner: 'acme', repo: 'shop', branch: 'main' }
let lastSet = 0

async function setUp({ place = PLACE as typeof PLACE | null, status = 201 } = {}) {
	const services = createTestServices()
	const { orderId, executionId } = await services.orders.create({ ...ORDER, provider: 'codex' }, ORIGIN)
	const sent: { method: string; path: string; body: Record<string, unknown> | null }[] = []
	const answers = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
		const body = init?.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : null
		sent.push({ method: init?.method ?? 'GET', path: new URL(String(input)).pathname, body })
		if (init?.method === 'GET') return Response.json([])
		return Response.json(status === 201 ? { number: 7, html_url: 'https://github.com/acme/shop/pull/7', title: 't', body: 'b', base: { ref: 'main' } } : { message: 'no' }, { status })
	}
	const pullRequests = createOrderPullRequests({
		db: services.db,
		now: () => 5000,
		mustFind: services.executions.mustFind,
		placeOf: async () => place,
		clientFor: () => createGitHubClient({ token: async () => 'token', fetch: answers as typeof fetch, now: () => 0 }),
		summaryOf: async (patchSetId) => `## Said by ${patchSetId}\n\nMore of it`,
		publicURL: undefined,
	})
	/** Sets that landed one after the other; returns their ids. */
	const land = async (count: number) => {
		const ids = Array.from({ length: count }, () => `PST-${String(++lastSet).padStart(16, '0')}`)
		for (const [index, patchSetId] of ids.entries()) {
			const record = { patchSetId, executionId, taskId: null, orderId, baseCommit: 'a', body: '{}', objectKey: null, sha256: patchSetId, sizeBytes: 2, fileCount: 1, patchCount: 1, status: 'stored' as const, error: null, workspaceId: WORKSPACE, branch: null, landedCommit: null, landedAt: null, reverts: null, createdAt: index }
			await services.db.batch([insertPatchSet(record, ORIGIN), changePatchSet({ patchSetId, status: 'landed', error: null, landedCommit: `commit-${index}`, at: index })])
		}
		return ids
	}
	return { ...services, orderId, executionId: executionId ?? '', pullRequests, sent, land }
}

it('keeps its title, shows what was said last and every set, and says when the cost is not known', async () => {
	const { pullRequests, executionId, orderId, orders, sent, land } = await setUp()
	const ids = await land(7)
	expect(await pullRequests.open(executionId)).toEqual({ number: 7, url: 'https://github.com/acme/shop/pull/7', isNew: true })
	const made = sent.at(-1)
	expect(made).toMatchObject({ method: 'POST', path: '/repos/acme/shop/pulls', body: { title: `Said by ${ids[0]}`, head: `factory/${orderId}`, base: 'main' } })
	const text = String(made?.body?.['body'])
	expect(ids.map((id) => text.includes(`Said by ${id}`))).toEqual([false, false, true, true, true, true, true])
	for (const [index, id] of ids.entries()) expect(text).toContain(`| \`${id}\` | \`${executionId}\` | \`codex\` | \`commit-${index}\` |`)
	expect(text).toContain('### What it cost\n\nNot known.')
	expect((await orders.get(orderId)).pullRequest).toEqual({ number: 7, url: 'https://github.com/acme/shop/pull/7' })
})

it('adds up what all executions of the order cost, and says once in the log that it was opened', async () => {
	const { pullRequests, executionId, db, sent, land } = await setUp()
	await land(1)
	const call = { executionId, provider: 'codex', model: 'm', status: 200, inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, pricing: null, durationMs: 1, errorCode: null, heldMicroUsd: 0, origin: ORIGIN, at: 1 }
	await db.batch([...recordCall({ ...call, costMicroUsd: 123_400 }), ...recordCall({ ...call, costMicroUsd: null })])
	await pullRequests.open(executionId)
	await pullRequests.open(executionId)
	expect(sent.at(-1)?.body?.['body']).toContain('At least $0.1234; 1 model calls have no known price.')
	const lines = await db.all(sql.selectFrom('operation_logs').select('operation').where('execution_id', '=', executionId).where('source', '=', 'orchestrator.pull-requests'))
	expect(lines).toEqual([{ operation: 'pull-request.opened' }])
})

it('leaves the order as it is when GitHub refuses, and tells a person once', async () => {
	const { pullRequests, executionId, orderId, orders, db } = await setUp({ status: 403 })
	await expect(pullRequests.open(executionId)).rejects.toMatchObject({ code: 'FORBIDDEN' })
	expect((await orders.get(orderId)).pullRequest).toBeNull()
	const failure = { code: 'FORBIDDEN', message: 'GitHub does not let us.' } as const
	await pullRequests.giveUp(executionId, failure)
	await pullRequests.giveUp(executionId, failure)
	const notes = await db.all(sql.selectFrom('followups').select(['type', 'note']).where('order_id', '=', orderId))
	expect(notes).toEqual([{ type: 'blocked', note: `factory/${orderId} has landed, but its pull request could not be opened or changed: FORBIDDEN: GitHub does not let us.` }])
})

it('is nothing for a hosted workspace', async () => {
	const { pullRequests, executionId, sent } = await setUp({ place: null })
	await expect(pullRequests.open(executionId)).rejects.toMatchObject({ code: 'WORKSPACE_UNSUPPORTED' })
	expect(sent).toEqual([])
})
