import { AppError, isAppError } from '@shared/contracts'
import type { ErrorCode, Failure } from '@shared/contracts'
import { enterPhase } from '../../../database/repositories/executions.ts'
import type { Execution } from '../../../database/repositories/executions.ts'
import { bookJulesTask, changeJulesSession, findJulesSession, julesLoad, parkExecution, releaseJulesSession, reserveJulesSession } from '../../../database/repositories/julesSessions.ts'
import { appendLog } from '../../../database/repositories/operationLogs.ts'
import { createStepRecords } from '../../executions/stepRecords.ts'
import { readTree } from '../../git/baseTree.ts'
import { withStore } from './julesContext.ts'
import type { JulesHandlerDeps } from './julesContext.ts'
import type { CreatedSession } from './julesCreate.ts'
import { writeMemory } from './julesMemory.ts'
import { DAY_MS, forecastStart } from './julesPlanLimits.ts'
import { startWatch } from './julesWatchMemory.ts'

/** `waits`: the plan has no room; this is asked again after `waitMs`. */
export type JulesStart = { state: 'started' } | { state: 'waits'; waitMs: number } | { state: 'failed'; failure: Failure }

/** What a session starts on; null starts from nothing. */
type Place = { source: string; startingBranch: string } | null

/** No room: when it is worth another try, where that is known, and what is missing. */
interface NoRoom {
	retryAt: number | null
	limitedBy: 'day' | 'concurrency' | 'rate-limit'
	message: string
}

/** After these nobody knows whether the session was started; its place in the plan is kept. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['PROVIDER_UNREACHABLE', 'PROVIDER_ERROR', 'PROVIDER_OUTPUT_INVALID'])
const LONGEST_PARK_MS = 7 * DAY_MS

/** Starts the session of an execution, once however often it is called. */
export function createJulesStart(deps: JulesHandlerDeps) {
	const { db, now } = deps
	const { live, record } = createStepRecords(deps)

	/** Throws PROVIDER_REFUSED for a repository that is not connected, PROVIDER_UNAVAILABLE for a workspace that Jules cannot see. */
	async function placeOf(execution: Execution): Promise<Place> {
		const { workspaceId, input } = execution
		const github = await deps.githubOf(workspaceId)
		const base = execution.baseCommit ?? ''
		const { hasOwnBranch, isEmpty } = await withStore(deps, workspaceId, async (store) => {
			const commit = github === null ? await store.readCommit(base) : null
			return {
				hasOwnBranch: github !== null && (await store.readRef(`refs/heads/${input.branch}`)) !== null,
				isEmpty: commit !== null && (await readTree(store, commit.tree)).length === 0,
			}
		})
		if (github === null) {
			if (isEmpty) return null
			throw new AppError('PROVIDER_REFUSED', `Jules cannot see the hosted workspace ${workspaceId}, which has files already. It works on GitHub and on empty workspaces.`)
		}
		const found = await (await deps.client()).findSource(github)
		if (!found.isConnected) throw new AppError('PROVIDER_REFUSED', found.message)
		return { source: found.source.name, startingBranch: hasOwnBranch ? input.branch : github.branch }
	}

	/** Why the plan has no room; null when a place in it is taken. */
	async function reserve(execution: Execution, place: Place): Promise<NoRoom | null> {
		const at = now()
		const { executionId, workerName } = execution
		const memory = { cursor: null, watch: startWatch(at, deps.settings.minPollMs), patchSetId: deps.ids.patchSet(), waiting: null, result: null, pullRequests: [], troubleSince: null, workedMs: 0, lookedAt: at }
		const isReserved = await reserveJulesSession(db, { executionId, source: place?.source ?? null, memory: writeMemory(memory), limits: deps.budget, since: at - DAY_MS, origin: { workerName }, at })
		if (isReserved) return null
		const { startsAt, running } = await julesLoad(db, at - DAY_MS)
		const { nextSlotAt, limitedBy } = forecastStart({ budget: deps.budget, startsAt, running, now: at })
		if (limitedBy === 'day') return { retryAt: nextSlotAt, limitedBy, message: `The plan of Jules has ${deps.budget.perDay} tasks a day, and ${startsAt.length} were started in the last 24 hours.` }
		return { retryAt: null, limitedBy: 'concurrency', message: `The plan of Jules has ${deps.budget.concurrent} tasks at once, and ${running} run.` }
	}

	/** An order that nobody else may take, or can, waits for room; any other goes to the next provider. */
	async function noRoom(execution: Execution, { retryAt, limitedBy, message }: NoRoom): Promise<JulesStart> {
		const at = now()
		const told = retryAt === null ? '' : ` There is room again at ${new Date(retryAt).toISOString()}.`
		const failure: Failure = { code: 'PROVIDER_RATE_LIMITED', message: `${message}${told}`, ...(retryAt === null ? {} : { retryAt }), details: { limitedBy, forecastAt: retryAt } }
		const { mode, chain } = execution.route
		if (mode !== 'manual' && chain.length > 0) return { state: 'failed', failure }
		const until = Math.min(Math.max(retryAt ?? at + deps.settings.maxPollMs, at + 1000), at + LONGEST_PARK_MS)
		const { executionId, orderId, taskId, workerName } = execution
		const details = { limitedBy, forecastAt: retryAt, lookAgainAt: until, message }
		await db.batch([
			parkExecution({ executionId, error: failure, until, at }),
			appendLog({ source: 'orchestrator.execution', operation: 'execution.parked', level: 'warn', orderId, taskId, executionId, details, onceKey: `${limitedBy} ${retryAt ?? ''}`, workerName, at }),
		])
		return { state: 'waits', waitMs: until - at }
	}

	async function open(execution: Execution, place: Place): Promise<CreatedSession> {
		const { executionId, workspaceId, input, createdAt } = execution
		const requirePlanApproval = await deps.asksPlanApproval(workspaceId)
		try {
			return await (await deps.client()).createSession({
				prompt: input.prompt,
				marker: `[vibehq ${executionId}]`,
				title: input.prompt.split('\n', 1)[0] ?? '',
				...place,
				requirePlanApproval,
				// What it makes lands as a patch set, like everybody's; a pull request of its own would pass by all checks.
				automationMode: 'AUTOMATION_MODE_UNSPECIFIED',
				notBefore: createdAt,
			})
		} catch (error) {
			if (isAppError(error) && !UNCERTAIN.has(error.code)) await db.run(releaseJulesSession(executionId))
			throw error
		}
	}

	async function tryOpen(execution: Execution, { isReserved }: { isReserved: boolean }): Promise<(CreatedSession & { place: Place }) | NoRoom> {
		try {
			const place = await placeOf(execution)
			const full = isReserved ? null : await reserve(execution, place)
			return full ?? { place, ...(await open(execution, place)) }
		} catch (error) {
			if (!isAppError(error) || error.code !== 'PROVIDER_RATE_LIMITED') throw error
			const retryAt = error.details?.['retryAt']
			return { retryAt: typeof retryAt === 'number' ? retryAt : null, limitedBy: 'rate-limit', message: error.message }
		}
	}

	return async function start(executionId: string): Promise<JulesStart> {
		const execution = await live(executionId)
		const known = await findJulesSession(db, executionId)
		if (known !== undefined && known.sessionId !== null) return { state: 'started' }
		const dispatchedAt = now()
		const opened = await tryOpen(execution, { isReserved: known !== undefined })
		if ('message' in opened) return noRoom(execution, opened)
		const { place, session, isNew, duplicateIds } = opened
		const at = now()
		await db.batch([
			changeJulesSession({ executionId, change: { session_name: `sessions/${session.id}`, session_url: session.url, state: session.state }, at }),
			bookJulesTask(executionId),
			parkExecution({ executionId, error: null, until: at, at }),
			...([['dispatch', dispatchedAt], ['wait', at]] as const).map(([phase, enteredAt]) => enterPhase({ executionId, phase, at: enteredAt })),
		])
		await record(execution, { phases: [], operation: 'execution.dispatched', details: { provider: execution.provider, session: session.id, url: session.url, ...place, isNew, duplicateIds } })
		return { state: 'started' }
	}
}
