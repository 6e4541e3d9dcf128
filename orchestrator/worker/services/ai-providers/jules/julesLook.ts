import { AppError, isAppError } from '@shared/contracts'
import type { ErrorCode, Failure } from '@shared/contracts'
import type { Statement } from '../../../database/client.ts'
import { enterPhase } from '../../../database/repositories/executions.ts'
import { changeJulesSession, findJulesSession } from '../../../database/repositories/julesSessions.ts'
import { appendLog } from '../../../database/repositories/operationLogs.ts'
import { toFailure } from '../../executions/failures.ts'
import { createStepRecords } from '../../executions/stepRecords.ts'
import type { JulesHandlerDeps } from './julesContext.ts'
import { activityLines } from './julesLog.ts'
import { readMemory, writeMemory } from './julesMemory.ts'
import type { JulesMemory } from './julesMemory.ts'
import { createJulesResults } from './julesResults.ts'
import { createJulesTalk, NUDGE } from './julesTalk.ts'
import type { Talk } from './julesTalk.ts'
import type { JulesState } from './julesTypes.ts'
import { watchJules } from './julesWatch.ts'
import type { WatchAction, WatchDecision } from './julesWatch.ts'
import { NOT_ITS_TURN } from './julesWatchMemory.ts'

/** `waits`: the next look is due in `waitMs`, or when something wakes the Workflow. `done`: there is a result. */
export type JulesLook = { state: 'waits'; waitMs: number } | { state: 'done' } | { state: 'failed'; failure: Failure }

/** The API is away for a while, or answers what nobody can read; the session goes on meanwhile. */
const PASSES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['PROVIDER_RATE_LIMITED', 'PROVIDER_ERROR', 'PROVIDER_UNREACHABLE', 'PROVIDER_OUTPUT_INVALID'])
/** A session that works on after its result. */
const REVIVED: ReadonlySet<JulesState> = new Set<JulesState>(['QUEUED', 'PLANNING', 'IN_PROGRESS'])
const MAX_REQUESTS = 50
/** How rarely it is looked whether somebody has answered in the cloud; an answer to us wakes the Workflow. */
const LONGEST_HUMAN_POLL_MS = 60 * 60_000

/** What one look comes to: written in one batch, so that a repeated look does nothing twice. */
interface Turn extends Talk {
	statements: Statement[]
	outcome: JulesLook
}

/** One look at the session of an execution: reads what is new, answers and asks, and keeps what it made. */
export function createJulesLook(deps: JulesHandlerDeps) {
	const { db, now, settings } = deps
	const { live } = createStepRecords(deps)
	const talks = createJulesTalk(deps)
	const results = createJulesResults(deps)

	const logLine = ({ execution, statements }: Turn, line: { operation: string; details: Record<string, unknown>; onceKey: string }) => {
		const { orderId, taskId, executionId, workerName } = execution
		statements.push(appendLog({ source: 'orchestrator.execution', level: 'warn', orderId, taskId, executionId, workerName, at: now(), ...line }))
	}

	async function save({ execution, session, memory, statements, outcome }: Turn): Promise<JulesLook> {
		const at = now()
		const { executionId } = execution
		const seenAt = outcome.state === 'waits' ? at + outcome.waitMs : at
		const change = { state: session.state, memory: writeMemory({ ...memory, lookedAt: at }), ...(session.url === null ? {} : { session_url: session.url }) }
		await db.batch([...statements, changeJulesSession({ executionId, change, at }), enterPhase({ executionId, phase: 'wait', at, seenAt })])
		return outcome
	}

	/** The turn with what the action did; throws what the client throws. */
	async function act(turn: Turn, action: WatchAction): Promise<void> {
		const { client, session, memory } = turn
		switch (action.do) {
			case 'wait':
				turn.outcome = { state: 'waits', waitMs: action.ms }
				return
			case 'askPlanApproval':
				memory.waiting = await talks.askPlanApproval(turn, action.plan)
				return
			case 'askQuestion':
				memory.waiting = await talks.askQuestion(turn, action.text)
				return
			case 'nudge':
				await client.sendMessage(session.id, NUDGE)
				return logLine(turn, { operation: 'agent.nudged', onceKey: String(memory.watch.nudges), details: { session: session.id, quietSince: memory.watch.quietSince } })
			case 'giveUp':
				turn.outcome = { state: 'failed', failure: { code: action.code, message: action.reason } }
				return
			case 'fail':
				turn.outcome = { state: 'failed', failure: { code: 'AGENT_FAILED', message: `Jules gave the task up: ${action.reason.slice(0, 2000)}` } }
				return
			case 'collect':
				return collect(turn, action)
			default:
				return action satisfies never
		}
	}

	async function collect(turn: Turn, action: Extract<WatchAction, { do: 'collect' }>): Promise<void> {
		const { memory, execution, session } = turn
		const isFirst = memory.result === null
		const client = await deps.client()
		memory.pullRequests = action.pullRequests.map(({ url }) => url.slice(0, 500)).slice(0, 10)
		const taken = await results.take({ execution, sessionId: session.id, client, memory }, action)
		if (taken.failure !== null) {
			// What came later cannot be used; what came first still can.
			turn.outcome = isFirst ? { state: 'failed', failure: taken.failure } : { state: 'done' }
			if (!isFirst) logLine(turn, { operation: 'agent.late-result-refused', onceKey: action.key, details: { error: taken.failure } })
			return
		}
		memory.result = taken.result
		turn.statements.push(...taken.statements)
		// A session may work on after it has completed, so that there is one more look before its result lands.
		turn.outcome = isFirst ? { state: 'waits', waitMs: settings.minPollMs } : { state: 'done' }
		if (!isFirst) logLine(turn, { operation: 'agent.late-result', onceKey: action.key, details: { patchSetId: taken.result.patchSetId } })
	}

	/** Once there is a result it lands, unless the session works on; then it has as long as silence may last. */
	function settle({ memory, session }: Turn, { hadResult }: { hadResult: boolean }): boolean {
		if (!hadResult || memory.result === null) return false
		return !REVIVED.has(session.state) || now() - memory.result.at >= settings.stallMs
	}

	async function take(turn: Turn, { actions, known }: WatchDecision): Promise<JulesLook> {
		const { memory, execution } = turn
		const hadResult = memory.result !== null
		const { waiting, failure } = await talks.answer(turn)
		memory.waiting = waiting
		memory.watch = known
		if (failure !== null) turn.outcome = { state: 'failed', failure }
		else if (known.asked.length > MAX_REQUESTS) turn.outcome = { state: 'failed', failure: { code: 'AGENT_FAILED', message: `Jules has asked more than ${MAX_REQUESTS} times.` } }
		else for (const action of actions) await act(turn, action)
		if (turn.outcome.state === 'waits' && settle(turn, { hadResult })) turn.outcome = { state: 'done' }
		if (turn.outcome.state === 'waits' && memory.waiting !== null) turn.outcome = { state: 'waits', waitMs: patientWait(turn.outcome.waitMs, now() - known.stateSince) }
		if (turn.outcome.state === 'waits' && memory.result === null && memory.workedMs > execution.input.wallClockMs) {
			turn.outcome = { state: 'failed', failure: { code: 'AGENT_TIMEOUT', message: `Jules has worked for ${Math.round(memory.workedMs / 1000)} seconds; the order allows ${Math.round(execution.input.wallClockMs / 1000)}.` } }
		}
		return save(turn)
	}

	/** Nothing can be read: the look before is all that is known. */
	async function wait(turn: Turn, error: AppError): Promise<JulesLook> {
		const { memory } = turn
		const at = now()
		const troubleSince = memory.troubleSince ?? at
		const retryAt = error.details?.['retryAt']
		const pollMs = Math.min(settings.maxPollMs, Math.max(settings.minPollMs, typeof retryAt === 'number' ? retryAt - at : (at - troubleSince) / 2))
		const hasGivenUp = at - troubleSince >= settings.stallMs
		const outcome: JulesLook = memory.result !== null ? { state: 'done' } : hasGivenUp ? { state: 'failed', failure: toFailure(error) } : { state: 'waits', waitMs: pollMs }
		const next: Turn = { ...turn, memory: { ...memory, troubleSince }, statements: [], outcome }
		logLine(next, { operation: 'agent.unreachable', onceKey: String(troubleSince), details: { error: toFailure(error) } })
		return save(next)
	}

	return async function look(executionId: string): Promise<JulesLook> {
		const execution = await live(executionId)
		const row = await findJulesSession(db, executionId)
		if (row === undefined || row.sessionId === null) throw new AppError('INTERNAL', `Execution ${executionId} has no Jules session to look at.`)
		const before = readMemory(row.memory)
		const client = await deps.client()
		const known = { id: row.sessionId, state: before.watch.state ?? ('STATE_UNSPECIFIED' as const), url: row.url }
		const empty = { execution, client, statements: [], outcome: { state: 'waits' as const, waitMs: settings.minPollMs } }
		try {
			const { activities, next } = await client.listActivities({ session: row.sessionId, after: before.cursor })
			const session = await client.getSession(row.sessionId)
			const hasWorked = before.watch.state !== null && !NOT_ITS_TURN.has(before.watch.state)
			const workedMs = before.workedMs + (hasWorked ? now() - before.lookedAt : 0)
			const memory: JulesMemory = { ...structuredClone(before), cursor: next, troubleSince: null, workedMs }
			const decision = watchJules({ session, activities, known: before.watch, settings, now: now() })
			return await take({ ...empty, session, activities, memory, statements: activityLines(execution, activities, now()) }, decision)
		} catch (error) {
			if (!isAppError(error) || !PASSES.has(error.code)) throw error
			return wait({ ...empty, session: known, activities: [], memory: before, statements: [] }, error)
		}
	}
}

/** People take days; a Workflow has not steps enough to look every few minutes. */
const patientWait = (pollMs: number, waitedMs: number) => Math.max(pollMs, Math.min(LONGEST_HUMAN_POLL_MS, waitedMs / 10))
