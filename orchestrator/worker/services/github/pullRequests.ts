import { PullAnswer, PullsAnswer, readAnswer } from './answers.ts'
import type { GitHubClient } from './githubClient.ts'
import { hasStatus, reasonFor } from './githubErrors.ts'
import type { GitHubRepo } from './githubRepo.ts'
import { plainLine } from './untrustedText.ts'

export interface PullRequestsDeps {
	/** Needs Pull requests: write. */
	client: GitHubClient
	place: GitHubRepo
}

export interface PullRequestInput {
	/** The branch with the work, in the same repository, without `refs/heads/`. */
	head: string
	base: string
	/** May come from anybody; it is made harmless. */
	title: string
	/** From `pullRequestBody`. */
	body: string
	isDraft?: boolean
}

export interface PullRequest {
	number: number
	url: string
	/** False when it was open already. */
	isNew: boolean
}

const MAX_TITLE = 120

/** Pull requests of branches that we made; one open at a time for each branch. */
export function createPullRequests({ client: { rest }, place }: PullRequestsDeps) {
	async function findOpen(head: string, base: string): Promise<PullAnswer | null> {
		const { data } = await rest.pulls.list({ ...place, head: `${place.owner}:${head}`, state: 'open', per_page: 30 })
		const open = readAnswer(PullsAnswer, data, 'pull requests')
		return open.find((pull) => pull.base.ref === base) ?? open[0] ?? null
	}

	async function update(known: PullAnswer, { base, title, body }: { base: string; title: string; body: string }): Promise<PullRequest> {
		const isSame = known.title === title && known.body === body && known.base.ref === base
		if (!isSame) await rest.pulls.update({ ...place, pull_number: known.number, title, body, ...(known.base.ref === base ? {} : { base }) })
		return { number: known.number, url: known.html_url, isNew: false }
	}

	return {
		/** The open pull request of the branch, with this title and text: changed where there is one, made where there is none. May be repeated. */
		async createOrUpdate({ head, base, title, body, isDraft = false }: PullRequestInput): Promise<PullRequest> {
			const text = { base, title: plainLine(title, MAX_TITLE) || head, body }
			const known = await findOpen(head, base)
			if (known !== null) return await update(known, text)
			try {
				const { data } = await rest.pulls.create({ ...place, head, draft: isDraft, maintainer_can_modify: true, ...text })
				const made = readAnswer(PullAnswer, data, 'the new pull request')
				return { number: made.number, url: made.html_url, isNew: true }
			} catch (error) {
				if (!hasStatus(error, 422) || !/already exists/i.test(reasonFor(error))) throw error
				// Somebody opened it between the two calls.
				const rival = await findOpen(head, base)
				if (rival === null) throw error
				return await update(rival, text)
			}
		},
	}
}
export type PullRequests = ReturnType<typeof createPullRequests>
