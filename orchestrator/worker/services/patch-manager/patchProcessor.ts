import { AppError, isAppError } from '@shared/contracts'
import type { PatchSet } from '@shared/contracts'
import type { PatchSetRecord } from '../../database/repositories/patchSets.ts'
import type { GitStore, RefOutcome } from '../git/gitStore.ts'
import type { Person } from '../git/objects.ts'
import { buildCandidate } from './candidate.ts'
import { recordStep } from './patchRecord.ts'
import type { PatchStep } from './patchRecord.ts'
import { createPatchStore } from './patchStore.ts'
import type { PatchStoreDeps } from './patchStore.ts'
import { checkPolicy, DEFAULT_POLICY } from './policy.ts'
import type { Policy } from './policy.ts'

export interface PatchProcessorDeps extends PatchStoreDeps {
	/** `worker_name` of what the steps write. */
	workerName: string
}

export interface CandidateRequest {
	set: PatchSet
	workspaceId: string
	/** Without `refs/heads/`, for example `factory/ORD-7K2M9Q`. */
	branch: string
	executionId: string
	/** Text of the commit; the summary of the set when left out. */
	message?: string
	author?: Person
	/** Called when the commit is known and before it is pushed, so that its validation can start meanwhile. May be called again by a repeated step. */
	onBuilt?: (candidate: Candidate) => Promise<void>
}

/** A commit that may become the branch, on a reference of its own. */
export interface Candidate {
	commit: string
	tree: string
	ref: string
	parent: string
	/** Where the branch stood: what `advance` expects to find. Null when it did not exist. */
	expectedOld: string | null
}

export interface AdvanceRequest {
	patchSetId: string
	workspaceId: string
	branch: string
	candidate: Pick<Candidate, 'commit' | 'ref'>
	expectedOld: string | null
}

export interface DiscardRequest {
	patchSetId: string
	workspaceId: string
	candidate: Pick<Candidate, 'commit' | 'ref'>
	/** Why the candidate may not land, for people. */
	reason: string
}

const AUTHOR: Person = { name: 'VibeHQ', email: 'factory@vibehq.invalid' }
/** How far back a landed candidate is looked for under later work. */
const MAX_WALK = 100

export const candidateRef = (executionId: string) => `refs/vibehq/candidates/${executionId}`

/**
 * Landing, step by step. Each step may be run again after a crash and ends in the same state, writes its record (patch set, event and
 * log line) in one batch, and keeps the set whatever happens to it.
 */
export function createPatchProcessor(deps: PatchProcessorDeps) {
	const { db, now, storeFor } = deps
	const patchStore = createPatchStore(deps)
	const origin = { workerName: deps.workerName }

	const write = (set: PatchSetRecord, step: PatchStep) => db.batch(recordStep(set, step, { origin, at: now() }))

	/** Runs a step; a verdict on the set is recorded before it is thrown on, a failure of the surroundings is not. */
	async function judged<T>(set: PatchSetRecord, step: () => Promise<T>): Promise<T> {
		try {
			return await step()
		} catch (error) {
			if (isAppError(error) && (error.code.startsWith('PATCH_') || error.code === 'NO_CHANGES')) {
				const name = error.code === 'PATCH_STALE' ? 'stale' : 'refused'
				const details = { code: error.code, ...error.details }
				await write(set, { name, status: name, error: error.message, details, onceKey: `${error.code} ${error.message}`.slice(0, 200) })
			}
			throw error
		}
	}

	async function withStore<T>(workspaceId: string, use: (store: GitStore) => Promise<T>): Promise<T> {
		const store = await storeFor(workspaceId)
		try {
			return await use(store)
		} finally {
			store.dispose()
		}
	}

	/** Throws PATCH_POLICY with every rule that the set breaks; see `policy.ts`. */
	async function check(set: PatchSet, policy: Policy = DEFAULT_POLICY): Promise<void> {
		const record = await patchStore.mustFind(set.patch_set_id)
		await judged(record, async () => checkPolicy(set, policy))
		await write(record, { name: 'policy-passed', details: { maxFiles: policy.maxFiles, maxBlockBytes: policy.maxBlockBytes }, onceKey: 'policy' })
	}

	/**
	 * Commits base tree + set on the execution's candidate reference. Throws PATCH_STALE when the branch is neither absent nor at the
	 * base of the set; PATCH_* and NO_CHANGES when the set does not apply; GIT_UPSTREAM.
	 */
	async function makeCandidate(request: CandidateRequest): Promise<Candidate> {
		const { set, branch, workspaceId } = request
		const startedAt = now()
		const record = await patchStore.mustFind(set.patch_set_id)
		const ref = candidateRef(request.executionId)
		const branchRef = `refs/heads/${branch}`
		const candidate = await judged(record, () =>
			withStore(workspaceId, async (store): Promise<Candidate> => {
				const about = { record, message: request.message ?? set.summary, author: request.author ?? AUTHOR }
				const [refs, built] = await Promise.all([store.readRefs([branchRef, ref]), buildCandidate(store, set, about)])
				const head = refs.get(branchRef) ?? null
				const hasLanded = record.status === 'landed' || head === built.commit
				if (!hasLanded && head !== null && head !== set.base_commit) throw moved({ branch, expected: set.base_commit, actual: head })
				const made = { commit: built.commit, tree: built.tree, ref, parent: set.base_commit, expectedOld: hasLanded ? built.commit : head }
				await request.onBuilt?.(made)
				const known = refs.get(ref) ?? null
				if (known !== built.commit && !hasLanded) {
					const [outcome] = await store.push([{ ref, old: known, new: built.commit }], built.objects)
					if (!isAt(outcome, built.commit)) throw notMoved(ref, outcome)
				}
				return made
			}),
		)
		const { commit, tree, parent } = candidate
		await write(record, { name: 'candidate', status: 'candidate', details: { commit, tree, parent, ref, branch }, onceKey: commit, durationMs: now() - startedAt })
		return candidate
	}

	/**
	 * Moves the branch to the candidate if it stands at `expectedOld`, and lets the candidate reference go in the same request. A branch
	 * that has the candidate already is fine. Throws PATCH_STALE when the branch stands elsewhere, GIT_UPSTREAM.
	 */
	async function advance({ patchSetId, workspaceId, branch, candidate, expectedOld }: AdvanceRequest): Promise<{ commit: string }> {
		const startedAt = now()
		const record = await patchStore.mustFind(patchSetId)
		const { commit, ref } = candidate
		const branchRef = `refs/heads/${branch}`
		if (record.status === 'landed') return { commit }
		await judged(record, () =>
			withStore(workspaceId, async (store) => {
				const updates = [
					{ ref: branchRef, old: expectedOld, new: commit },
					{ ref, old: commit, new: null },
				]
				const [outcome] = await store.push(updates, [], { isAtomic: false })
				if (isAt(outcome, commit)) return
				const actual = outcome?.isDone === false ? outcome.actual : null
				if (actual === expectedOld) throw notMoved(branchRef, outcome)
				if (actual === null || !(await isBehind(store, { head: actual, commit, stop: expectedOld }))) throw moved({ branch, expected: expectedOld, actual })
			}),
		)
		await write(record, { name: 'landed', status: 'landed', details: { commit, branch, old: expectedOld }, onceKey: commit, durationMs: now() - startedAt })
		return { commit }
	}

	/** Drops the candidate reference of a set that may not land; the set is kept. A host that cannot be reached does not stop it. */
	async function discard({ patchSetId, workspaceId, candidate, reason }: DiscardRequest): Promise<void> {
		const record = await patchStore.mustFind(patchSetId)
		const { commit, ref } = candidate
		const isDropped = await withStore(workspaceId, async (store) => {
			const [outcome] = await store.push([{ ref, old: commit, new: null }], [])
			return outcome?.isDone === true || outcome?.actual === null
		}).catch(() => false)
		await write(record, { name: 'discarded', status: 'refused', error: reason, details: { commit, ref, isDropped }, onceKey: commit })
	}

	const { storeStatements, load, ofExecution, diffOf } = patchStore
	return { storeStatements, load, checkPolicy: check, makeCandidate, advance, discard, ofExecution, diffOf }
}
export type PatchProcessor = ReturnType<typeof createPatchProcessor>

const isAt = (outcome: RefOutcome | undefined, commit: string) => outcome !== undefined && (outcome.isDone || outcome.actual === commit)

/** Whether `commit` is `head` or one of its first parents down to `stop`: landed, with later work on top. */
async function isBehind(store: GitStore, { head, commit, stop }: { head: string; commit: string; stop: string | null }): Promise<boolean> {
	let at: string | undefined = head
	for (let steps = 0; steps < MAX_WALK && at !== undefined && at !== stop; steps += 1) {
		if (at === commit) return true
		at = (await store.readCommit(at))?.parents[0]
	}
	return false
}

function moved(place: { branch: string; expected: string | null; actual: string | null }): AppError {
	const stands = place.actual === null ? 'does not exist any more' : `stands at ${place.actual}`
	return new AppError('PATCH_STALE', `The branch ${place.branch} ${stands}; the set was made for ${place.expected ?? 'a new branch'}. The set is kept; run the task again on the new state.`, place)
}

function notMoved(ref: string, outcome: RefOutcome | undefined): AppError {
	const reason = outcome?.isDone === false ? outcome.reason : 'no report'
	return new AppError('GIT_UPSTREAM', `The host of the workspace did not move ${ref}: ${reason}. Try again.`)
}
