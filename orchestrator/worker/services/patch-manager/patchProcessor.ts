import { AppError, isAppError } from '@shared/contracts'
import type { PatchSet } from '@shared/contracts'
import { insertLandedFiles } from '../../database/repositories/landedFiles.ts'
import type { PatchSetRecord } from '../../database/repositories/patchSets.ts'
import type { GitStore, RefOutcome } from '../git/gitStore.ts'
import type { Person } from '../git/objects.ts'
import { buildCandidate } from './candidate.ts'
import { boundError, boundPaths } from './conflicts.ts'
import { recordStep } from './patchRecord.ts'
import type { PatchStep } from './patchRecord.ts'
import { createPatchStore } from './patchStore.ts'
import type { PatchStoreDeps } from './patchStore.ts'
import { DEFAULT_POLICY, judgePolicy, policyError, reported } from './policy.ts'
import type { Policy, Verdict } from './policy.ts'

export interface PatchProcessorDeps extends PatchStoreDeps {
	/** `worker_name` of what the steps write. */
	workerName: string
}

/** What lands a set, and where: an execution, or a batch without an agent. */
export interface LandingSubject {
	/** Execution id or batch id. */
	subjectId: string
	patchSetId: string
	workspaceId: string
	/** Without `refs/heads/`, for example `factory/ORD-7K2M9Q`. */
	branch: string
}

export interface CandidateRequest extends LandingSubject {
	set: PatchSet
	/** Text of the commit; the summary of the set when left out. */
	message?: string
	author?: Person
	/** The person who allowed what the policy asks about. */
	approvedBy?: string | null
	/** Called when the commit is known and before it is pushed, so that its validation can start meanwhile. May be called again by a repeated step. */
	onBuilt?: (candidate: Candidate) => Promise<void>
}

/** A commit that may become the branch, on a reference of its own. */
export interface Candidate {
	commit: string
	tree: string
	ref: string
	/** What the commit sits on: where the branch stood, or the base of the set where there was no branch. */
	parent: string
	/** What `advance` expects to find at the branch. Null when it did not exist. */
	expectedOld: string | null
	/** Files that were merged with later work: as many as a Workflow's state takes. */
	merged: string[]
	/** Files that the branch has already, likewise. */
	alreadyApplied: string[]
	/** The branch has all of it: there is nothing to validate and nothing to move. */
	isThere: boolean
}

/** Why a candidate is let go, for people, and what that makes of its set: `refused` unless said otherwise. */
export interface Discarding {
	reason: string
	status?: 'refused' | 'stored'
}

/** Whether the branch took the candidate, or where it stands instead. */
export type Advanced = { hasLanded: true; commit: string } | { hasLanded: false; actual: string | null }

const AUTHOR: Person = { name: 'VibeHQ', email: 'factory@vibehq.invalid' }
/** How far back a landed candidate is looked for under later work. */
const MAX_WALK = 100

export const candidateRef = (subjectId: string) => `refs/vibehq/candidates/${subjectId}`

/**
 * Landing, step by step. Each step may be run again after a crash and ends in the same state, writes its record (patch set, event and
 * log line) in one batch, and keeps the set whatever happens to it.
 */
export function createPatchProcessor(deps: PatchProcessorDeps) {
	const { db, now, storeFor } = deps
	const patchStore = createPatchStore(deps)
	const origin = { workerName: deps.workerName }

	const statementsOf = (set: PatchSetRecord, subjectId: string, step: PatchStep) => recordStep(set, step, { origin, at: now(), subjectId })

	/** Records what a step found. */
	async function note({ patchSetId, subjectId }: Pick<LandingSubject, 'patchSetId' | 'subjectId'>, step: PatchStep): Promise<void> {
		await db.batch(statementsOf(await patchStore.mustFind(patchSetId), subjectId, step))
	}

	/** Runs a step; a verdict on the set is recorded before it is thrown on, a failure of the surroundings is not. */
	async function judged<T>(subject: Pick<LandingSubject, 'patchSetId' | 'subjectId'>, step: () => Promise<T>): Promise<T> {
		try {
			return await step()
		} catch (thrown) {
			const error = boundError(thrown)
			if (isAppError(error) && (error.code.startsWith('PATCH_') || error.code === 'NO_CHANGES')) {
				const name = error.code === 'PATCH_STALE' ? 'stale' : error.code === 'PATCH_CONFLICT' ? 'conflict' : 'refused'
				const details = { code: error.code, ...error.details }
				await note(subject, { name, status: name, error: error.message, details, onceKey: `${error.code} ${error.message}`.slice(0, 200) })
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

	/** Throws PATCH_POLICY with every rule that refuses the set; what a person has to be asked about is in the verdict. See `policy.ts`. */
	async function checkPolicy(subject: Pick<LandingSubject, 'patchSetId' | 'subjectId'>, set: PatchSet, policy: Policy = DEFAULT_POLICY): Promise<Verdict> {
		const verdict = await judged(subject, async () => {
			const judgement = judgePolicy(set, policy)
			if (judgement.outcome === 'refuse') throw policyError(judgement.refused)
			return judgement
		})
		const { maxFiles, maxBlockBytes } = policy.rules
		const passed: PatchStep = { name: 'policy-passed', details: { maxFiles, maxBlockBytes, allowed: reported(verdict.allowed) }, onceKey: 'policy' }
		const asked: PatchStep = { name: 'asked', status: 'asked', details: reported(verdict.asked), onceKey: 'policy' }
		await note(subject, verdict.outcome === 'ask' ? asked : passed)
		return verdict
	}

	/**
	 * Commits the set on top of the branch as it stands, on the subject's candidate reference: applied where that is the base of the set, merged
	 * where it is not. Throws PATCH_CONFLICT with the hunks, PATCH_STALE when the base is gone, other PATCH_* and NO_CHANGES, GIT_UPSTREAM.
	 */
	async function makeCandidate(request: CandidateRequest): Promise<Candidate> {
		const { set, branch, workspaceId, subjectId } = request
		const startedAt = now()
		const record = await patchStore.mustFind(request.patchSetId)
		const ref = candidateRef(subjectId)
		const branchRef = `refs/heads/${branch}`
		const made = await judged(request, () =>
			withStore(workspaceId, async (store) => {
				const text = { record, message: request.message ?? set.summary, author: request.author ?? AUTHOR, approvedBy: request.approvedBy ?? null }
				const [refs] = await Promise.all([store.readRefs([branchRef, ref]), store.readAhead(set.base_commit, set.files.flatMap(({ base_blob }) => base_blob ?? []))])
				const head = refs.get(branchRef) ?? null
				const built = await buildCandidate(store, set, { onto: head ?? set.base_commit, text })
				const { commit, tree, parent } = built
				const told = { merged: boundPaths(built.merged), alreadyApplied: boundPaths(built.alreadyApplied) }
				const candidate: Candidate = { commit, tree, ref, parent, expectedOld: head, ...told, isThere: commit === parent }
				if (candidate.isThere) return { candidate, files: built.files }
				await request.onBuilt?.(candidate)
				const known = refs.get(ref) ?? null
				if (known !== commit) {
					const [outcome] = await store.push([{ ref, old: known, new: commit }], built.objects)
					if (!isAt(outcome, commit)) throw notMoved(ref, outcome)
				}
				return { candidate, files: built.files }
			}),
		)
		const { candidate, files } = made
		const { commit, tree, parent, merged, alreadyApplied } = candidate
		if (candidate.isThere) return candidate
		await db.batch([
			...(files.length === 0 ? [] : [insertLandedFiles({ patchSetId: record.patchSetId, workspaceId, branch, commit, files, origin, at: now() })]),
			...statementsOf(record, subjectId, { name: 'candidate', status: 'candidate', details: { commit, tree, parent, ref, branch, merged, alreadyApplied }, onceKey: commit, durationMs: now() - startedAt }),
		])
		return candidate
	}

	/**
	 * Moves the branch to the candidate if it stands at `expectedOld`, and lets the candidate reference go in the same request. A branch
	 * that has the candidate already is fine; one that stands elsewhere is told, so that the set can be merged again. Throws GIT_UPSTREAM.
	 */
	async function advance(subject: LandingSubject, candidate: Candidate): Promise<Advanced> {
		const startedAt = now()
		const { commit, ref, expectedOld } = candidate
		const { branch, workspaceId } = subject
		const branchRef = `refs/heads/${branch}`
		const advanced = await withStore(workspaceId, async (store): Promise<Advanced> => {
			if (candidate.isThere) return { hasLanded: true, commit }
			const updates = [
				{ ref: branchRef, old: expectedOld, new: commit },
				{ ref, old: commit, new: null },
			]
			const [outcome] = await store.push(updates, [], { isAtomic: false })
			if (isAt(outcome, commit)) return { hasLanded: true, commit }
			const actual = outcome?.isDone === false ? outcome.actual : null
			if (actual === expectedOld) throw notMoved(branchRef, outcome)
			const isBelow = actual !== null && (await isBehind(store, { head: actual, commit, stop: expectedOld }))
			return isBelow ? { hasLanded: true, commit } : { hasLanded: false, actual }
		})
		if (advanced.hasLanded) await note(subject, { name: 'landed', status: 'landed', landedCommit: commit, details: { commit, branch, old: expectedOld, alreadyThere: candidate.isThere }, onceKey: commit, durationMs: now() - startedAt })
		else await note(subject, { name: 'moved', details: { branch, expected: expectedOld, actual: advanced.actual, commit }, onceKey: commit })
		return advanced
	}

	/** Drops the candidate reference of a set that does not land; the set is kept. A host that cannot be reached does not stop it. */
	async function discard(subject: LandingSubject, candidate: Pick<Candidate, 'commit' | 'ref'>, { reason, status = 'refused' }: Discarding): Promise<void> {
		const { commit, ref } = candidate
		const isDropped = await withStore(subject.workspaceId, async (store) => {
			const [outcome] = await store.push([{ ref, old: commit, new: null }], [])
			return outcome?.isDone === true || outcome?.actual === null
		}).catch(() => false)
		await note(subject, { name: 'discarded', status, error: reason, details: { commit, ref, isDropped }, onceKey: commit })
	}

	return { ...patchStore, checkPolicy, makeCandidate, advance, discard, note }
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

/** For a branch that moved on faster than the set could follow. */
export function movedTooOften(branch: string, times: number): AppError {
	return new AppError('PATCH_STALE', `The branch ${branch} moved ${times} times while the set was merged and validated. The set is kept; apply it again when the branch is quieter.`, { branch, times })
}

function notMoved(ref: string, outcome: RefOutcome | undefined): AppError {
	const reason = outcome?.isDone === false ? outcome.reason : 'no report'
	return new AppError('GIT_UPSTREAM', `The host of the workspace did not move ${ref}: ${reason}. Try again.`)
}
