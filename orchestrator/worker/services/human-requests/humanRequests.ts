import { AppError } from '@shared/contracts'
import type { HumanDecision, HumanRequest, Page, PageRequest } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { decideHumanRequest, endHumanRequest, findHumanRequest, insertHumanRequest, pendingRequests, requestsOfSubject } from '../../database/repositories/humanRequests.ts'
import type { NewHumanRequest } from '../../database/repositories/humanRequests.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { decodeCursor, encodeCursor, toPage } from '../cursor.ts'
import type { Ids } from '../ids.ts'
import type { Origin } from '../origin.ts'

export interface HumanRequestsDeps {
	db: Database
	now: () => number
	ids: Pick<Ids, 'humanRequest'>
	/** Wakes what waits for the answer. */
	nudge: (subjectId: string) => Promise<void>
}

export type Question = Pick<NewHumanRequest, 'kind' | 'subjectId' | 'orderId' | 'question' | 'details' | 'digest'> & { ttlMs: number }

/** Questions to people, and what they decided. Nothing is ever decided by itself: silence ends in `expired`, which is a no. */
export function createHumanRequests({ db, now, ids, nudge }: HumanRequestsDeps) {
	const logLine = (request: Pick<HumanRequest, 'subjectId' | 'orderId' | 'requestId'>, line: { operation: string; details: Record<string, unknown>; workerName: string }) =>
		appendLog({
			source: 'orchestrator.human',
			level: 'warn',
			orderId: request.orderId,
			executionId: request.subjectId,
			at: now(),
			onceKey: request.requestId,
			...line,
			details: { requestId: request.requestId, ...line.details },
		})

	/** Asks once: the same question about the same content of the same subject is found again, whatever became of it. */
	async function ask({ ttlMs, ...question }: Question, origin: Origin): Promise<HumanRequest> {
		const earlier = (await requestsOfSubject(db, question.subjectId)).find(({ kind, digest }) => kind === question.kind && digest === question.digest)
		if (earlier !== undefined) return earlier
		const at = now()
		const request = { ...question, requestId: ids.humanRequest(), expiresAt: at + ttlMs }
		await db.batch([insertHumanRequest(request, { origin, at }), logLine(request, { operation: 'human.asked', details: { kind: request.kind, question: request.question, digest: request.digest }, workerName: origin.workerName })])
		return { ...request, status: 'pending', decidedBy: null, reason: null, answer: null, createdAt: at, decidedAt: null }
	}

	/** The request as it stands; one whose time is up is closed here. Throws HUMAN_REQUEST_NOT_FOUND. */
	async function get(requestId: string): Promise<HumanRequest> {
		const request = await findHumanRequest(db, requestId)
		if (request === undefined) throw new AppError('HUMAN_REQUEST_NOT_FOUND', `There is no request ${requestId.slice(0, 60)} that waits for a person.`)
		if (request.status !== 'pending' || request.expiresAt > now()) return request
		await db.run(endHumanRequest({ requestId, status: 'expired', at: now() }))
		return { ...request, status: 'expired' }
	}

	/**
	 * Decides once. The same decision again is fine. Throws HUMAN_REQUEST_NOT_FOUND; HUMAN_REQUEST_CLOSED when it was decided otherwise, has
	 * expired, or when the digest is not that of what is asked about.
	 */
	async function decide(requestId: string, decision: HumanDecision, origin: Origin & { person: string }): Promise<HumanRequest> {
		const before = await get(requestId)
		const status = decision.decision === 'approve' ? 'approved' : 'rejected'
		if (before.digest !== decision.digest) throw closed(before, `it is about ${before.digest}, your decision is about ${decision.digest}. Look at it again`)
		if (before.status !== 'pending') {
			if (before.status === status) return before
			throw closed(before, `it is ${before.status} already`)
		}
		const decided = { requestId, digest: decision.digest, status, decidedBy: origin.person, reason: decision.reason ?? null, answer: decision.answer ?? null, at: now() } as const
		const { digest, decidedBy, reason } = decided
		await db.batch([decideHumanRequest(decided), logLine(before, { operation: `human.${status}`, details: { kind: before.kind, digest, decidedBy, reason }, workerName: origin.workerName })])
		const after = await get(requestId)
		// Somebody else was faster, or the time ran out in between.
		if (after.status !== status) throw closed(after, `it is ${after.status} already`)
		await nudge(before.subjectId)
		return after
	}

	return {
		ask,
		get,
		decide,
		ofSubject: (subjectId: string) => requestsOfSubject(db, subjectId),
		/** What waits for a person, the most urgent first. */
		async pending(page: PageRequest): Promise<Page<HumanRequest>> {
			const limit = Math.min(Math.max(page.limit ?? 50, 1), 200)
			const rows = await pendingRequests(db, { after: decodeCursor(page.cursor), limit: limit + 1 })
			return toPage(rows, limit, (request) => encodeCursor(request.expiresAt, request.requestId))
		},
	}
}
export type HumanRequests = ReturnType<typeof createHumanRequests>

function closed({ requestId }: HumanRequest, why: string): AppError {
	return new AppError('HUMAN_REQUEST_CLOSED', `Request ${requestId} cannot be decided: ${why}.`)
}
