import type { GitHubClient } from '../github/githubClient.ts'
import type { GitHubRepo } from '../github/githubRepo.ts'
import { bounded } from '../github/untrustedText.ts'
import { OWN_COMMENT } from '../github/webhookCommands.ts'

const MAX_ANSWER = 2000

/** Writes below an issue or pull request, marked as ours so that it starts nothing. False when it cannot be written: what it tells of has happened all the same. */
export async function answerComment({ rest }: GitHubClient, place: GitHubRepo, { number, text }: { number: number; text: string }): Promise<boolean> {
	try {
		await rest.issues.createComment({ ...place, issue_number: number, body: `${bounded(text, MAX_ANSWER)}\n\n${OWN_COMMENT}` })
		return true
	} catch (error) {
		console.warn({ message: 'an answer on GitHub could not be written', place, number, error: String(error) })
		return false
	}
}
