import type { GitStore } from '../git/gitStore.ts'
import type { GitHubReadsDeps } from './githubReads.ts'
import { createGitHubReads } from './githubReads.ts'
import { createObjectWriter } from './objectWriter.ts'
import { createRefMover, notMoved } from './refMover.ts'
import { refuseWorkflows } from './workflowGuard.ts'

/** `client` needs the permission Contents: write for pushing. */
export type GitHubStoreDeps = GitHubReadsDeps

/**
 * A repository on GitHub by its git data API: trees and commits are made there under the same ids as here, then the references are moved.
 * Nothing can be seen before that. GitHub has no call that moves several references at once: `isAtomic` means that none is moved when
 * one stands elsewhere beforehand, and that the first failure ends the push; what was moved before it is reported as done. How each is
 * moved only from its `old` says `refMover.ts`.
 *
 * Candidates keep their names outside `refs/heads/`: the API takes every name that starts with `refs/` and has two slashes, and as branches they
 * would start the repository's workflows and fill its list of branches.
 *
 * Beside what the port says it throws PATCH_POLICY for a change of workflow files and PATCH_CORRUPT when GitHub makes another object of
 * what was sent, both before a reference is moved; and RATE_LIMITED with `details.retryAt`, FORBIDDEN and NOT_CONFIGURED.
 */
export function createGitHubStore(deps: GitHubStoreDeps): GitStore {
	const { client, place } = deps
	const { readAhead, ...reads } = createGitHubReads(deps)
	const moveRefs = createRefMover({ client, place, reads })

	return {
		...reads,
		readAhead: (commit) => readAhead(commit),

		async push(updates, objects, { isAtomic = true } = {}) {
			await refuseWorkflows(reads, objects)
			const before = await reads.readRefs(updates.map(({ ref }) => ref))
			const isMoved = updates.map(({ ref, old }) => (before.get(ref) ?? null) !== old)
			if (isAtomic ? isMoved.includes(true) : !isMoved.includes(false)) return updates.map((update) => notMoved(update, before.get(update.ref) ?? null))
			await createObjectWriter({ client, place, objects })()
			return moveRefs(updates, before, { isAtomic })
		},

		dispose() {},
	}
}
