import type { HumanRequest } from '@shared/contracts'
import type { Selectable } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

function toRequest(row: Selectable<Schema['ai_tasks_hitl']>): HumanRequest {
	const { question, details } = JSON.parse(row.args) as Pick<HumanRequest, 'question' | 'details'>
	return {
		requestId: row.id,
		kind: row.action as HumanRequest['kind'],
		subjectId: row.execution_id ?? row.agent_id,
		orderId: row.order_id,
		question,
		details,
		digest: row.args_digest,
		status: row.status as HumanRequest['status'],
		decidedBy: row.decided_by,
		reason: row.reason,
		answer: row.result,
		expiresAt: row.expires_at,
		createdAt: row.created_at,
		decidedAt: row.decided_at,
	}
}

export type NewHumanRequest = Pick<HumanRequest, 'requestId' | 'kind' | 'subjectId' | 'orderId' | 'question' | 'details' | 'digest' | 'expiresAt'>

export function insertHumanRequest(request: NewHumanRequest, { origin, at }: { origin: Origin; at: number }): Statement {
	return sql.insertInto('ai_tasks_hitl').values({
		id: request.requestId,
		agent_id: request.subjectId,
		action: request.kind,
		args: JSON.stringify({ question: request.question, details: request.details }),
		args_digest: request.digest,
		status: 'pending',
		expires_at: request.expiresAt,
		order_id: request.orderId,
		execution_id: request.subjectId,
		worker_name: origin.workerName,
		container_name: origin.containerName ?? null,
		created_at: at,
		updated_at: at,
	})
}

export async function findHumanRequest(db: Database, requestId: string): Promise<HumanRequest | undefined> {
	const row = await db.first(sql.selectFrom('ai_tasks_hitl').selectAll().where('id', '=', requestId).where('execution_id', 'is not', null))
	return row && toRequest(row)
}

/** What was asked of the subject, oldest first. */
export const requestsOfSubjectQuery = (subjectId: string) => sql.selectFrom('ai_tasks_hitl').selectAll().where('execution_id', '=', subjectId).orderBy('created_at').orderBy('id').limit(100)

export async function requestsOfSubject(db: Database, subjectId: string): Promise<HumanRequest[]> {
	return (await db.all(requestsOfSubjectQuery(subjectId))).map(toRequest)
}

/** Requests that wait, the one that ends first at the head. */
export const pendingRequestsQuery = ({ after, limit }: { after?: [number, string] | undefined; limit: number }) => {
	const query = sql.selectFrom('ai_tasks_hitl').selectAll().where('status', '=', 'pending').where('execution_id', 'is not', null).orderBy('expires_at').orderBy('id').limit(limit)
	if (!after) return query
	const [at, id] = after
	return query.where((where) => where.or([where('expires_at', '>', at), where.and([where('expires_at', '=', at), where('id', '>', id)])]))
}

export async function pendingRequests(db: Database, page: Parameters<typeof pendingRequestsQuery>[0]): Promise<HumanRequest[]> {
	return (await db.all(pendingRequestsQuery(page))).map(toRequest)
}

export interface DecidedRequest {
	requestId: string
	digest: string
	status: 'approved' | 'rejected'
	decidedBy: string
	reason: string | null
	answer: string | null
	at: number
}

/** Decides a request that waits, on the digest that was looked at, while there is time; otherwise no row changes. */
export function decideHumanRequest(decided: DecidedRequest): Statement {
	return sql
		.updateTable('ai_tasks_hitl')
		.set({ status: decided.status, decided_by: decided.decidedBy, reason: decided.reason, result: decided.answer, decided_at: decided.at, updated_at: decided.at })
		.where('id', '=', decided.requestId)
		.where('status', '=', 'pending')
		.where('args_digest', '=', decided.digest)
		.where('expires_at', '>', decided.at)
}

/** Closes a request that nobody decides any more. */
export function endHumanRequest({ requestId, status, at }: { requestId: string; status: 'expired' | 'superseded'; at: number }): Statement {
	return sql.updateTable('ai_tasks_hitl').set({ status, updated_at: at }).where('id', '=', requestId).where('status', '=', 'pending')
}
