import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../../database/client.ts'
import { pendingRequestsQuery, requestsOfSubjectQuery } from '../../database/repositories/humanRequests.ts'
import { createIds } from '../ids.ts'
import { createHumanRequests } from './humanRequests.ts'

const db = createDatabase(env.DB)
const ORIGIN = { workerName: 'test' }
const PERSON = { ...ORIGIN, person: 'somebody' }

let count = 0
function scene() {
	count += 1
	const clock = { at: 1_800_000_000_000 + count * 1_000_000 }
	const nudged: string[] = []
	const human = createHumanRequests({ db, now: () => clock.at, ids: createIds((length) => crypto.getRandomValues(new Uint8Array(length))), nudge: async (id) => void nudged.push(id) })
	const subjectId = `EXE-${String(count).padStart(16, '0')}`
	const ask = (digest = 'a'.repeat(64)) => human.ask({ kind: 'patch-policy', subjectId, orderId: null, question: 'May it?', details: { hits: [] }, digest, ttlMs: 60_000 }, ORIGIN)
	return { clock, nudged, human, ask, subjectId }
}
const yes = (digest: string) => ({ decision: 'approve', digest }) as const

describe('a request to a person', () => {
	it('is asked once for one content, and again for another', async () => {
		const { human, ask, subjectId } = scene()
		const first = await ask()
		expect((await ask()).requestId).toBe(first.requestId)
		expect((await ask('b'.repeat(64))).requestId).not.toBe(first.requestId)
		expect(await human.ofSubject(subjectId)).toHaveLength(2)
	})

	it('is decided once, by the first of two, and wakes what waits', async () => {
		const { human, ask, nudged, subjectId } = scene()
		const { requestId, digest } = await ask()
		const results = await Promise.allSettled([human.decide(requestId, yes(digest), PERSON), human.decide(requestId, { decision: 'reject', digest }, PERSON)])
		expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
		expect(nudged).toEqual([subjectId])
		const { status } = await human.get(requestId)
		expect(await human.decide(requestId, { decision: status === 'approved' ? 'approve' : 'reject', digest }, PERSON)).toMatchObject({ status, decidedBy: 'somebody' })
	})

	it('takes no decision about another content, none too late, none about nothing', async () => {
		const { human, ask, clock, nudged } = scene()
		const { requestId, digest } = await ask()
		await expect(human.decide(requestId, yes('b'.repeat(64)), PERSON)).rejects.toMatchObject({ code: 'HUMAN_REQUEST_CLOSED' })
		clock.at += 60_001
		await expect(human.decide(requestId, yes(digest), PERSON)).rejects.toMatchObject({ code: 'HUMAN_REQUEST_CLOSED' })
		expect(await human.get(requestId)).toMatchObject({ status: 'expired' })
		await expect(human.decide('HRQ-0', yes(digest), PERSON)).rejects.toMatchObject({ code: 'HUMAN_REQUEST_NOT_FOUND' })
		expect(nudged).toEqual([])
	})

	it('waits in a list, the most urgent first, in pages', async () => {
		const { human, ask, subjectId } = scene()
		for (const letter of ['a', 'b', 'c']) await ask(letter.repeat(64))
		const seen: string[] = []
		for (let cursor: string | undefined; ; ) {
			const page = await human.pending({ limit: 1, cursor })
			seen.push(...page.items.filter((item) => item.subjectId === subjectId).map(({ digest }) => digest.charAt(0)))
			if (page.nextCursor === null) break
			cursor = page.nextCursor
		}
		expect(seen.toSorted()).toEqual(['a', 'b', 'c'])
	})
})

it.each([
	['of a subject', requestsOfSubjectQuery('EXE'), 'ai_tasks_hitl_of_execution'],
	['that wait', pendingRequestsQuery({ limit: 10 }), 'ai_tasks_hitl_pending'],
])('requests %s are found by their index', async (_, query, index) => {
	const { sql: text, parameters } = query.compile()
	const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`).bind(...parameters).all<{ detail: string }>()
	expect(plan.results.map(({ detail }) => detail).join('; ')).toContain(index)
})
