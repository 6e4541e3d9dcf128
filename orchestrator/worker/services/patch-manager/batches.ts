import { AppError, PatchBatch, PatchOptions } from '@shared/contracts'
import type { BatchStatus, Failure, PatchBatchInput, PatchOptionsInput, PatchResult, PatchSet, PatchStatus } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { closeBatch, findBatch, forgottenBatches, insertBatch, touchBatch } from '../../database/repositories/patchBatches.ts'
import type { Batch, NewBatch } from '../../database/repositories/patchBatches.ts'
import { eventsOfPatchSet } from '../../database/repositories/patchEvents.ts'
import { closeFootprints } from '../../database/repositories/footprints.ts'
import { findOrder } from '../../database/repositories/orders.ts'
import type { Collisions } from '../collisions/collisions.ts'
import type { TaskQueue } from '../container-tasks/taskQueue.ts'
import type { WorkflowPort } from '../executions/dispatcher.ts'
import type { Ids } from '../ids.ts'
import type { Origin } from '../origin.ts'
import { parse } from '../parse.ts'
import { sha256Of } from '../sha256.ts'
import type { BatchSets } from './batchSets.ts'
import type { Landing, LandingPlan } from './landing.ts'
import type { Candidate, PatchProcessor } from './patchProcessor.ts'

/** Parameters of a PatchLanding instance; its id is the batch id. */
export interface PatchLandingParams {
	batchId: string
}

export interface BatchesDeps {
	db: Database
	now: () => number
	sleep: (ms: number) => Promise<void>
	ids: Pick<Ids, 'batch'>
	patches: Pick<PatchProcessor, 'mustFind' | 'load' | 'storeStatements' | 'discard' | 'note'>
	sets: BatchSets
	landing: Landing
	queue: Pick<TaskQueue, 'get'>
	workflow: WorkflowPort
	collisions: Pick<Collisions, 'record'>
	/** The Worker that made a workspace. Throws WORKSPACE_NOT_FOUND. */
	ownerOf: (workspaceId: string) => Promise<string>
}

/** Who asks. A Worker lands in workspaces of its own, on the factory's own branches; an operator anywhere. */
export type Requester = Origin & { isOperator: boolean }

const FACTORY_BRANCH = 'factory/'
const ORDER_BRANCH = /^factory\/(ORD-[0-9A-Z]{6})$/
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/** Landing without an agent: what is asked for, how it goes, how it ends. */
export function createBatches(deps: BatchesDeps) {
	const { db, now, patches, landing } = deps

	async function mustFind(batchId: string): Promise<Batch> {
		const batch = await findBatch(db, batchId)
		if (batch === undefined) throw unknownBatch(batchId)
		return batch
	}

	/** To a Worker, what belongs to another one is not there. */
	async function checkOwner(workspaceId: string, { isOperator, workerName }: Requester): Promise<void> {
		if (isOperator || (await deps.ownerOf(workspaceId)) === workerName) return
		throw new AppError('WORKSPACE_NOT_FOUND', `There is no workspace ${workspaceId}.`)
	}

	/** What a Worker lands for an order lands where that works: on GitHub the workspaces of all Workers share the branches of a repository. */
	async function checkOrder({ workspaceId, branch, orderId }: { workspaceId: string; branch: string; orderId?: string | undefined }, { isOperator }: Requester): Promise<void> {
		const named = [orderId, ORDER_BRANCH.exec(branch)?.[1]].filter((id) => id !== undefined)
		for (const id of isOperator ? [] : new Set(named)) {
			const order = await findOrder(db, id)
			const isElsewhere = order === undefined ? id === orderId : order.workspaceId !== workspaceId
			if (isElsewhere) throw new AppError('ORDER_NOT_FOUND', `There is no order ${id} in workspace ${workspaceId}.`)
		}
	}

	/**
	 * Lands a batch of patches, or a kept set once more, and answers with the end or, after `waitMs`, with `pending`. Throws INVALID_INPUT,
	 * FORBIDDEN, ORDER_NOT_FOUND, IDEMPOTENCY_CONFLICT, PATCH_BASE_REQUIRED and what making the set throws; what happens to a stored set is in the answer.
	 */
	async function apply(input: PatchBatchInput, options: PatchOptionsInput, requester: Requester): Promise<PatchResult> {
		const request = parse(PatchBatch, input, 'batch')
		const { waitMs, ...how } = parse(PatchOptions, options, 'options')
		const requestHash = await sha256Of(JSON.stringify({ request, how }))
		const earlier = request.batchId === undefined ? undefined : await findBatch(db, request.batchId)
		if (earlier !== undefined) return resultOf(await waitFor(sameRequest(earlier, { requestHash, requester }), waitMs))
		await checkOwner(request.workspaceId, requester)
		const batchId = request.batchId ?? deps.ids.batch()
		const known = request.patchSetId === undefined ? undefined : await patches.mustFind(request.patchSetId)
		const branch = request.branch ?? known?.branch ?? `${FACTORY_BRANCH}${batchId}`
		checkBranch(branch, requester)
		await checkOrder({ ...request, branch }, requester)
		const made = known === undefined ? await deps.sets.fromPatches({ ...request, batchId }) : await deps.sets.again(known, request.workspaceId)
		if (how.dryRun) return deps.sets.dryRun({ batchId, branch, workspaceId: request.workspaceId, set: made.set, scope: known === undefined ? null : await deps.sets.scopeOfSet(known) })
		const message = request.reason ?? made.set.summary
		const batch: NewBatch = {
			batchId, kind: known === undefined ? 'apply' : 'reapply', patchSetId: made.set.patch_set_id, workspaceId: request.workspaceId, branch, orderId: request.orderId ?? known?.orderId ?? null, requestHash,
			input: { validate: request.validate, message, validateOnly: how.validateOnly, requester: request.requester ?? null, reason: request.reason ?? null },
		}
		return start(batch, { set: known === undefined ? made.set : null, requester, waitMs })
	}

	/** Takes a landed set back where it landed and keeps what came later. `what` is a batch, a patch set or an execution. */
	async function rollback(what: string, reason: string | undefined, requester: Requester): Promise<PatchResult> {
		const batch = await findBatch(db, what)
		const landed = await deps.sets.landedSet(batch?.patchSetId ?? what)
		const branch = batch?.branch ?? landed.branch
		await checkOwner(landed.workspaceId, requester)
		checkBranch(branch, requester)
		const batchId = deps.ids.batch()
		const set = await deps.sets.reverse(landed, { batchId, branch, reason })
		const { workspaceId, orderId, patchSetId } = landed
		const input = { validate: [], message: set.summary, validateOnly: false, requester: null, reason: reason ?? null }
		const undo: NewBatch = { batchId, kind: 'revert', patchSetId: set.patch_set_id, workspaceId, branch, orderId, requestHash: await sha256Of(`revert ${patchSetId} ${batchId}`), input }
		return start(undo, { set, reverts: patchSetId, requester, waitMs: PatchOptions.parse({}).waitMs })
	}

	async function start(batch: NewBatch, { set, reverts, requester, waitMs }: { set: PatchSet | null; reverts?: string; requester: Requester; waitMs: number }): Promise<PatchResult> {
		const { batchId, workspaceId, branch } = batch
		const place = { batchId, workspaceId, branch, ...(reverts === undefined ? {} : { reverts }) }
		const stored = set === null ? [] : (await patches.storeStatements(set, requester, { batch: place })).statements
		try {
			await db.batch([insertBatch(batch, { origin: requester, at: now() }), ...stored])
		} catch (error) {
			// The same batch may have been sent twice at once: then the first one's is the answer.
			const first = /UNIQUE|NOT NULL/.test(String(error)) ? await findBatch(db, batchId) : undefined
			if (first === undefined) throw error
			return resultOf(await waitFor(sameRequest(first, { requestHash: batch.requestHash, requester }), waitMs))
		}
		await deps.workflow.create(batchId)
		await noteSet(batch)
		return resultOf(await waitFor(await mustFind(batchId), waitMs))
	}

	/** A forecast that fails holds nothing up. */
	async function noteSet({ batchId, workspaceId, branch, patchSetId }: NewBatch): Promise<void> {
		const set = await patches.load(patchSetId)
		await deps.collisions.record({ subjectId: batchId, workspaceId, branch, baseCommit: set.base_commit }, set)
	}

	/** The batch as soon as it has ended, or as it stands when the time is up. */
	async function waitFor(batch: Batch, waitMs: number): Promise<Batch> {
		const until = now() + waitMs
		let seen = batch
		for (let pauseMs = FIRST_PAUSE_MS; seen.completedAt === null && now() < until; pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS)) {
			await deps.sleep(Math.min(pauseMs, until - now()))
			seen = await mustFind(batch.batchId)
		}
		return seen
	}

	async function resultOf(batch: Batch): Promise<PatchResult> {
		const { patchCount } = await patches.mustFind(batch.patchSetId)
		return toResult(batch, patchCount)
	}

	/** Throws PATCH_BATCH_NOT_FOUND, also for a batch of another Worker. */
	async function status(batchId: string, { isOperator, workerName }: Requester): Promise<PatchStatus> {
		const batch = await mustFind(batchId)
		if (!isOperator && batch.workerName !== workerName) throw unknownBatch(batchId)
		const [record, events] = await Promise.all([patches.mustFind(batch.patchSetId), eventsOfPatchSet(db, batch.patchSetId)])
		const { applied, failed } = countOf(batch, record.patchCount)
		return {
			batchId,
			patchSetId: batch.patchSetId,
			kind: batch.kind,
			status: batch.status,
			branch: batch.branch,
			commit: batch.commit,
			error: batch.error && errorOf(batch.error),
			progress: { total: record.patchCount, applied, failed },
			events: events.map(({ eventType, status: outcome, at }) => ({ event: eventType, status: outcome, at })),
		}
	}

	// The steps of its Workflow, each on the batch as it stands.
	async function planOf(batchId: string): Promise<LandingPlan> {
		const { patchSetId, workspaceId, branch, orderId, input, workerName } = await mustFind(batchId)
		const record = await patches.mustFind(patchSetId)
		return { subjectId: batchId, patchSetId, workspaceId, branch, orderId, executionId: null, baseCommit: record.baseCommit, scopeOf: () => deps.sets.scopeOfSet(record), validate: input.validate, message: input.message, workerName }
	}

	async function close(batchId: string, end: { status: BatchStatus; commit: string | null; error: Failure | null }): Promise<{ status: string }> {
		await db.batch([closeBatch({ batchId, ...end, at: now() }), closeFootprints({ subjectId: batchId, at: now() })])
		return { status: end.status }
	}

	const steps = {
		async begin(batchId: string) {
			const { branch, input } = await mustFind(batchId)
			return { branch, validateOnly: input.validateOnly }
		},
		policy: async (batchId: string) => landing.policy(await planOf(batchId)),
		async decision(batchId: string, { requestId, lookAgainAt }: { requestId: string; lookAgainAt: number }) {
			await db.run(touchBatch({ batchId, at: lookAgainAt }))
			return landing.decision(await planOf(batchId), requestId)
		},
		async makeCandidate(batchId: string) {
			const candidate = await landing.makeCandidate(await planOf(batchId))
			await db.run(touchBatch({ batchId, candidate, at: now() }))
			return candidate
		},
		validate: async (batchId: string, candidate: Candidate) => landing.validate(await planOf(batchId), candidate),
		async isSettled(batchId: string, containerTaskId: string) {
			const { status: state } = await deps.queue.get(containerTaskId)
			await db.run(touchBatch({ batchId, at: now() }))
			return state === 'completed' || state === 'failed'
		},
		/** Nobody has to look before that moment. */
		park: async (batchId: string, until: number) => void (await db.run(touchBatch({ batchId, at: until }))),
		judge: async (batchId: string, validated: { candidate: Candidate; containerTaskId: string }) => landing.judge(await planOf(batchId), validated),
		advance: async (batchId: string, candidate: Candidate) => landing.advance(await planOf(batchId), candidate),
		async complete(batchId: string, candidate: Candidate) {
			const { input, patchSetId } = await mustFind(batchId)
			const plan = await planOf(batchId)
			if (input.validateOnly) {
				await patches.discard(plan, candidate, { reason: 'It was to be validated only.', status: 'stored' })
				return close(batchId, { status: 'validated', commit: null, error: null })
			}
			const { reverts } = await patches.mustFind(patchSetId)
			if (reverts !== null) await patches.note({ patchSetId: reverts, subjectId: batchId }, { name: 'reverted', status: 'reverted', details: { by: patchSetId, batchId, commit: candidate.commit }, onceKey: batchId })
			return close(batchId, { status: 'landed', commit: candidate.commit, error: null })
		},
		async fail(batchId: string, failure: Failure) {
			const { candidate } = await mustFind(batchId)
			if (candidate !== null && !candidate.isThere && failure.code !== 'PATCH_CONFLICT') await patches.discard(await planOf(batchId), candidate, { reason: `${failure.code}: ${failure.message}` })
			return close(batchId, { status: endOf(failure.code), commit: null, error: failure })
		},
	}

	/** Wakes or starts the Workflows of batches that nobody has touched for `idleMs`. */
	async function sweep(idleMs: number): Promise<void> {
		for (const { batchId } of await forgottenBatches(db, now() - idleMs, 100)) {
			const state = await deps.workflow.state(batchId)
			await db.run(touchBatch({ batchId, at: now() }))
			if (state === 'none') await deps.workflow.create(batchId)
			else if (state === 'alive') await deps.workflow.nudge(batchId)
			else await steps.fail(batchId, { code: 'INTERNAL', message: 'The Workflow of this batch ended without a result. The set is kept; apply it again.' })
		}
	}

	return { apply, rollback, status, sweep, ...steps }
}
export type Batches = ReturnType<typeof createBatches>

const unknownBatch = (batchId: string) => new AppError('PATCH_BATCH_NOT_FOUND', `There is no batch ${batchId.slice(0, 80)}.`)

function sameRequest(batch: Batch, { requestHash, requester }: { requestHash: string; requester: Requester }): Batch {
	if (batch.requestHash === requestHash && batch.workerName === requester.workerName) return batch
	throw new AppError('IDEMPOTENCY_CONFLICT', `The batch id ${batch.batchId} was used for another batch. Give the new one an id of its own.`)
}

function checkBranch(branch: string, { isOperator }: Requester): void {
	if (isOperator || branch.startsWith(FACTORY_BRANCH)) return
	throw new AppError('FORBIDDEN', `Only an operator may land on ${branch}. A Worker lands on branches that begin with ${FACTORY_BRANCH}.`, { branch })
}

function endOf(code: string): BatchStatus {
	if (code === 'PATCH_CONFLICT') return 'conflict'
	return code.startsWith('PATCH_') || code === 'NO_CHANGES' || code === 'VALIDATION_FAILED' ? 'refused' : 'failed'
}

const errorOf = ({ code, message, details }: Failure) => ({ code, message, ...(details ? { details } : {}) })

/** A set lands whole or not at all, so all of its operations have one fate. */
function countOf({ status, completedAt }: Batch, total: number): { applied: number; failed: number } {
	const isGood = status === 'landed' || status === 'validated'
	return { applied: isGood ? total : 0, failed: completedAt !== null && !isGood ? total : 0 }
}

function toResult(batch: Batch, total: number): PatchResult {
	const { applied, failed } = countOf(batch, total)
	const { batchId, patchSetId, status, branch, commit, candidate, error } = batch
	return {
		batchId,
		patchSetId,
		status,
		success: status === 'landed' || status === 'validated',
		appliedOperations: applied,
		failedOperations: failed,
		errors: error === null ? [] : [errorOf(error)],
		merged: candidate?.merged ?? [],
		alreadyApplied: candidate?.alreadyApplied ?? [],
		branch,
		...(status === 'landed' ? { rollbackId: batchId } : {}),
		...(commit === null ? {} : { commit }),
	}
}
