import type { ErrorCode, Failure } from '@shared/contracts'
import { changeExecution } from '../../../database/repositories/executions.ts'
import type { Execution } from '../../../database/repositories/executions.ts'
import { changeJulesSession, findJulesSession } from '../../../database/repositories/julesSessions.ts'
import type { JulesSessionRow } from '../../../database/repositories/julesSessions.ts'
import { createStepRecords } from '../../executions/stepRecords.ts'
import type { JulesHandlerDeps } from './julesContext.ts'
import { createJulesLook } from './julesLook.ts'
import { readMemory } from './julesMemory.ts'
import type { JulesMemory, JulesResult } from './julesMemory.ts'
import { createJulesResults } from './julesResults.ts'
import { createJulesStart } from './julesStart.ts'
import { createJulesTalk } from './julesTalk.ts'

/** Ends after which nobody goes on with the session. */
const UNWANTED: ReadonlySet<string> = new Set<ErrorCode>(['EXECUTION_CANCELLED', 'HUMAN_REJECTED'])

/** Jules in place of an agent run: the steps of `julesRun.ts`. Each may be run again after a crash. */
export function createJulesHandler(deps: JulesHandlerDeps) {
	const { db, now } = deps
	const { record } = createStepRecords(deps)
	const results = createJulesResults(deps)
	const talks = createJulesTalk(deps)

	/** The API cannot cancel; what is archived is at least out of the way of whoever looks at the list of sessions. */
	async function archive(sessionId: string): Promise<boolean> {
		return (await deps.client()).archiveSession(sessionId).then(() => true, () => false)
	}

	async function partialOf(execution: Execution, sessionId: string, memory: JulesMemory): Promise<{ result: JulesResult | null; problem: Failure | null }> {
		const taken = await results.takePartial({ execution, sessionId, client: await deps.client(), memory })
		if (taken === null) return { result: null, problem: null }
		if (taken.failure !== null) return { result: null, problem: taken.failure }
		await db.batch(taken.statements)
		return { result: taken.result, problem: null }
	}

	async function made(execution: Execution, row: JulesSessionRow | undefined, hasFailed: boolean) {
		const memory = row === undefined ? null : readMemory(row.memory)
		if (row === undefined || row.sessionId === null || memory === null) return { sessionId: null, result: null, problem: null, pullRequests: [] }
		const { sessionId } = row
		const { pullRequests } = memory
		if (!hasFailed || memory.result !== null) return { sessionId, result: memory.result, problem: null, pullRequests }
		return { sessionId, pullRequests, ...(await partialOf(execution, sessionId, memory)) }
	}

	/**
	 * Ends the watch, well or with this failure, and returns it. Without a failure the execution has its patch set and goes on to landing; with
	 * one, what there is of the work is kept as a set too.
	 */
	async function collect(executionId: string, failure: Failure | null): Promise<Failure | null> {
		const execution = await deps.mustFind(executionId)
		if (execution.completedAt !== null) return failure
		const collectedAt = now()
		const row = await findJulesSession(db, executionId)
		const { sessionId, result, problem, pullRequests } = await made(execution, row, failure !== null)
		await talks.supersede(executionId)
		const isArchived = failure !== null && UNWANTED.has(failure.code) && sessionId !== null && (await archive(sessionId))
		const said = { session: sessionId, url: row?.url ?? null, pullRequests }
		const change = {
			...(failure ? {} : { status: 'landing' as const }),
			...(result === null ? {} : { patch_data: result.patchSetId, base_commit: result.baseCommit }),
			output: JSON.stringify(said),
		}
		await db.batch([
			changeJulesSession({ executionId, change: { ended_at: collectedAt, pull_request_url: pullRequests[0] ?? null }, at: collectedAt }),
			changeExecution({ executionId, at: collectedAt, change }),
		])
		await record(execution, {
			phases: [['collect', collectedAt]],
			operation: failure ? 'agent.failed' : 'agent.finished',
			details: { ...said, patchSetId: result?.patchSetId ?? null, ...(failure ? { error: failure, isArchived } : {}), ...(problem ? { partialLost: problem } : {}) },
		})
		if (failure === null && result !== null) await deps.noteSet({ ...execution, baseCommit: result.baseCommit }, result.patchSetId)
		return failure
	}

	return { start: createJulesStart(deps), look: createJulesLook(deps), collect }
}
export type JulesHandler = ReturnType<typeof createJulesHandler>
