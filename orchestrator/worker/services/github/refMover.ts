import type { RefOutcome, RefUpdate } from '../git/gitStore.ts'
import type { GitHubClient } from './githubClient.ts'
import { hasStatus, reasonFor } from './githubErrors.ts'
import { shortRef } from './githubReads.ts'
import type { GitHubReads } from './githubReads.ts'
import type { GitHubRepo } from './githubRepo.ts'

export interface RefMoverDeps {
	client: GitHubClient
	place: GitHubRepo
	reads: Pick<GitHubReads, 'readRef'>
}

/**
 * Moves references, each only from its `old`. The API knows no expected old id, so what holds is this:
 * - A new reference is made only if there is none (GitHub refuses a second one).
 * - A branch is read, must stand at `old`, and is moved without force: GitHub refuses unless it stands at an ancestor of the new commit. Our
 *   commits have `old` as their parent, so whoever commits in between is not overwritten. Only somebody who moves the branch
 *   *back* along its own history between the two calls is undone by it.
 * - References outside `refs/heads/` are the orchestrator's own (candidates). They are read, must stand at `old`, and are moved or
 *   deleted whatever they come from; nobody else writes them.
 */
export function createRefMover({ client: { rest }, place, reads }: RefMoverDeps) {
	async function send({ ref, old, new: next }: RefUpdate): Promise<void> {
		if (next === null) await rest.git.deleteRef({ ...place, ref: shortRef(ref) })
		else if (old === null) await rest.git.createRef({ ...place, ref, sha: next })
		else await rest.git.updateRef({ ...place, ref: shortRef(ref), sha: next, force: !ref.startsWith('refs/heads/') })
	}

	/** `actual` is where the reference stood a moment ago. */
	async function move(update: RefUpdate, actual: string | null): Promise<RefOutcome> {
		const { ref, old } = update
		if (actual !== old) return notMoved(update, actual)
		try {
			await send(update)
			return { ref, isDone: true }
		} catch (error) {
			// 404 is what deleting or moving a reference that is gone meanwhile comes to on some hosts.
			if (!hasStatus(error, 404, 409, 422)) throw error
			return { ref, isDone: false, reason: reasonFor(error), actual: await reads.readRef(ref) }
		}
	}

	/** One after the other, deletions last, so that whatever is interrupted leaves a reference to each commit. */
	return async function moveAll(updates: readonly RefUpdate[], before: ReadonlyMap<string, string>, { isAtomic }: { isAtomic: boolean }): Promise<RefOutcome[]> {
		const outcomes = new Map<RefUpdate, RefOutcome>()
		let isStopped = false
		for (const update of updates.toSorted((a, b) => Number(a.new === null) - Number(b.new === null))) {
			const actual = before.get(update.ref) ?? null
			const outcome: RefOutcome = isStopped ? notMoved(update, actual) : await move(update, actual)
			outcomes.set(update, outcome)
			isStopped ||= isAtomic && !outcome.isDone
		}
		return updates.map((update) => outcomes.get(update) ?? notMoved(update, before.get(update.ref) ?? null))
	}
}

/** Why a reference was left where it is. */
export function notMoved({ ref, old }: RefUpdate, actual: string | null): RefOutcome {
	const reason = actual === old ? 'another reference of the same push was not moved' : `stands at ${actual ?? 'nothing'}, not at ${old ?? 'nothing'}`
	return { ref, isDone: false, reason, actual }
}
