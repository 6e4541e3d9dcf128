import type { ClaimedTask, ContainerTask } from '@shared/contracts'
import type { ClaimNext } from '@shared/container-task-queue'
import { claimerOf, claimNext, prepareClaim } from './claim.ts'
import { prepareCompletions } from './completions.ts'
import type { TaskQueueDeps } from './context.ts'
import type { Completion } from './ending.ts'
import { createGatherer } from './gather.ts'
import { settle } from './settle.ts'
import { prepareSharedClaim, sharedClaimKey } from './sharedClaim.ts'

/** A result that may be stored, and what its runner wants next. */
export interface Reported {
	ending: Completion
	next: ClaimNext | undefined
}

export interface Stored {
	task: ContainerTask
	/** What was claimed with it; nothing where nothing was wanted. */
	claim: (deps: TaskQueueDeps) => Promise<ClaimedTask[]>
}

const LIMITS = { largest: 32, patienceMs: 25, lostAfterMs: 10_000, heardWithinMs: 5 }
const gather = createGatherer<Reported, Stored>(LIMITS)

/** Whether the task's own row is all that is written: a patch set, and what a runner said last, bring statements of their own, and those of many are too many for a call. */
const isPlain = ({ collected, report }: Completion): boolean => collected.statements.length === 0 && (report.progress ?? []).length === 0

/** Stores a result, together with those that come at the same time. Throws as `settle`. */
export function storeGathered(deps: TaskQueueDeps, reported: Reported): Promise<Stored> {
	const { ending, next } = reported
	const { taskId } = ending.record.task
	const alone = () => storeAlone(deps, reported)
	const key = next ? sharedClaimKey(next) : ''
	if (key === null || !isPlain(ending)) return alone()
	const { now, sleep, waitUntil = () => undefined } = deps
	return gather({ item: reported, key, names: next ? [taskId, claimerOf(next.request)] : [taskId] }, { alone, together: (all) => storeTogether(deps, all), waitUntil, now, sleep })
}

async function storeAlone(deps: TaskQueueDeps, { ending, next }: Reported): Promise<Stored> {
	if (next === undefined) return { task: (await settle(deps, ending)).task, claim: async () => [] }
	const claim = prepareClaim(deps, next.request, next.scope)
	const { task, rows } = await settle(deps, ending, claim.statements())
	return { task, claim: () => (rows === null ? claimNext(deps, next) : claim.finish(rows)) }
}

/** All in one batch, or nothing: a lease that was lost in this moment spoils it for all, and each is stored alone then. */
async function storeTogether(deps: TaskQueueDeps, all: readonly Reported[]): Promise<Stored[]> {
	const settling = await prepareCompletions(
		deps,
		all.map(({ ending }) => ending),
	)
	const [first, ...others] = all.flatMap(({ next }) => next ?? [])
	const shared = first && prepareSharedClaim(deps, [first, ...others])
	const rows = await deps.db.batch([...settling.statements, ...(shared?.statements ?? [])])
	const tasks = await settling.announce(rows)
	const claims = await shared?.finish(rows.slice(settling.statements.length))
	return all.map(({ ending: { record } }, index) => ({ task: tasks.get(record.task.taskId) ?? record.task, claim: claims?.[index] ?? (async () => []) }))
}
