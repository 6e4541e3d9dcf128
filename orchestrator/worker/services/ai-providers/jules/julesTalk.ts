import { isAppError } from '@shared/contracts'
import type { Failure, HumanRequest } from '@shared/contracts'
import { endHumanRequest } from '../../../database/repositories/humanRequests.ts'
import type { Execution } from '../../../database/repositories/executions.ts'
import { sha256Of } from '../../sha256.ts'
import type { JulesClient } from './julesClient.ts'
import type { JulesHandlerDeps } from './julesContext.ts'
import type { JulesMemory } from './julesMemory.ts'
import type { JulesActivity, JulesPlan, JulesSession } from './julesTypes.ts'

export const NUDGE = 'Nothing has happened for a while. Please go on with the task. If something keeps you from it, say what it is.'
const NO_OWN_WORDS = 'Go on with what you think is best.'

const MAX_QUESTION_CHARS = 8000
const MAX_STEPS = 30
const MAX_STEP_CHARS = 500

export interface Talk {
	execution: Execution
	session: Pick<JulesSession, 'id' | 'state' | 'url'>
	/** Since the last look. */
	activities: readonly JulesActivity[]
	client: Pick<JulesClient, 'approvePlan' | 'sendMessage'>
	memory: JulesMemory
}

/** Plans and questions of a session as requests to people, and their answers as messages to the session. */
export function createJulesTalk(deps: Pick<JulesHandlerDeps, 'db' | 'now' | 'human' | 'answerTtlOf'>) {
	const { db, now, human } = deps

	/** Asks, and lets go of what was asked before. `id` tells the same words at another time apart. */
	async function ask({ execution, session }: Talk, asked: { kind: 'plan-approval' | 'question'; id: string; question: string; details: Record<string, unknown> }): Promise<JulesMemory['waiting']> {
		const { kind, id, question, details } = asked
		const digest = await sha256Of(JSON.stringify([session.id, kind, id, question, details]))
		await supersede(execution.executionId, digest)
		const ttlMs = await deps.answerTtlOf(execution.workspaceId)
		const request = await human.ask({ kind, subjectId: execution.executionId, orderId: execution.orderId, question, details: { ...details, session: session.id, url: session.url }, digest, ttlMs }, { workerName: execution.workerName })
		return { requestId: request.requestId, kind }
	}

	/** Closes what a person need not answer any more, except what has this digest. */
	async function supersede(executionId: string, kept?: string): Promise<void> {
		const asked = (await human.ofSubject(executionId)).filter(({ kind, digest }) => (kind === 'plan-approval' || kind === 'question') && digest !== kept)
		const pending = asked.filter(({ status }) => status === 'pending')
		await db.batch(pending.map(({ requestId }) => endHumanRequest({ requestId, status: 'superseded', at: now() })))
	}

	return {
		supersede,

		askPlanApproval(talk: Talk, plan: JulesPlan | null): Promise<JulesMemory['waiting']> {
			const steps = plan?.steps.slice(0, MAX_STEPS).map(({ title, description }) => ({ title: title.slice(0, MAX_STEP_CHARS), description: description.slice(0, MAX_STEP_CHARS) })) ?? []
			const question = plan === null ? 'Jules waits for the approval of a plan that it does not show. Its page may have it. May it go on?' : `May Jules do this? ${plan.steps.length} steps: ${steps.map(({ title }, index) => `${index + 1}. ${title}`).join(' ')}`
			return ask(talk, { kind: 'plan-approval', id: plan?.id ?? String(talk.memory.watch.stateSince), question: question.slice(0, MAX_QUESTION_CHARS), details: { planId: plan?.id.slice(0, 200) ?? null, steps, stepCount: plan?.steps.length ?? 0 } })
		},

		askQuestion(talk: Talk, text: string): Promise<JulesMemory['waiting']> {
			const { question, stateSince } = talk.memory.watch
			return ask(talk, { kind: 'question', id: `${question?.id ?? ''} ${stateSince}`, question: text.slice(0, MAX_QUESTION_CHARS), details: {} })
		},

		/** Takes the decision to the session. The failure ends the execution: a no, or no answer in time. Throws what the client throws. */
		async answer(talk: Talk): Promise<{ waiting: JulesMemory['waiting']; failure: Failure | null }> {
			const { execution, session, client, memory, activities } = talk
			const { waiting } = memory
			if (waiting === null) return { waiting, failure: null }
			const request = await human.get(waiting.requestId)
			if (request.status === 'rejected') return { waiting: null, failure: refusal(request) }
			const isAwaited = session.state === (waiting.kind === 'plan-approval' ? 'AWAITING_PLAN_APPROVAL' : 'AWAITING_USER_FEEDBACK')
			if (!isAwaited) {
				// Somebody answered on the page of the session, or it went on by itself.
				await supersede(execution.executionId)
				return { waiting: null, failure: null }
			}
			if (request.status === 'pending') return { waiting, failure: null }
			if (request.status !== 'approved') return { waiting: null, failure: refusal(request) }
			if (waiting.kind === 'plan-approval') await client.approvePlan(session.id).catch(unlessRefused)
			else {
				const answer = request.answer ?? NO_OWN_WORDS
				// A step that broke off after it had sent the answer must not send it twice.
				const isSent = activities.some(({ event }) => event.kind === 'userMessaged' && event.message === answer)
				if (!isSent) await client.sendMessage(session.id, answer)
			}
			return { waiting: null, failure: null }
		},
	}
}

/** The session does not wait any more: then somebody was faster. */
function unlessRefused(error: unknown): void {
	if (!isAppError(error) || error.code !== 'PROVIDER_REFUSED') throw error
}

function refusal({ requestId, kind, status, decidedBy, reason }: HumanRequest): Failure {
	const what = kind === 'plan-approval' ? 'the plan of Jules' : 'the question of Jules'
	const why = reason === null ? '' : `: ${reason}`
	const message = status === 'rejected' ? `${decidedBy ?? 'Somebody'} said no to ${what}${why}.` : `Nobody answered ${what} in time.`
	return { code: 'HUMAN_REJECTED', message, details: { requestId, status, decidedBy } }
}
