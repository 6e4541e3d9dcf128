import { AppError } from '@shared/contracts'
import { readAnswer, RefAnswer, RepoAnswer } from './answers.ts'
import type { GitHubClient } from './githubClient.ts'
import { hasStatus } from './githubErrors.ts'
import { repoName } from './githubRepo.ts'
import type { GitHubRepo } from './githubRepo.ts'

/**
 * Whether orders can work on the branch, before an agent is paid. Returns `owner/name` as GitHub writes it. Throws WORKSPACE_NOT_FOUND for a
 * repository or branch that is not there and for an empty repository, FORBIDDEN naming the permission that the credential lacks, and
 * what the client throws.
 */
export async function checkRepository({ rest }: GitHubClient, place: GitHubRepo, branch: string): Promise<string> {
	const { full_name: name } = readAnswer(RepoAnswer, (await rest.repos.get({ ...place })).data, 'the repository')
	if (name.toLowerCase() !== repoName(place).toLowerCase()) throw new AppError('WORKSPACE_NOT_FOUND', `GitHub calls ${repoName(place)} ${name} now. Give its new name.`)
	await checkContents()
	await checkBranch()
	await checkPullRequests()
	return name

	/** GitHub has no call that tells what a token may do. A blob that nothing refers to is seen by nobody, and goes away. */
	async function checkContents(): Promise<void> {
		await rest.git.createBlob({ ...place, content: 'Permission check\n', encoding: 'utf-8' })
	}

	async function checkBranch(): Promise<void> {
		try {
			readAnswer(RefAnswer, (await rest.git.getRef({ ...place, ref: `heads/${branch}` })).data, `branch ${branch}`)
		} catch (error) {
			if (!hasStatus(error, 404)) throw error
			throw new AppError('WORKSPACE_NOT_FOUND', `${name} has no branch ${branch} on GitHub. Name one that exists.`, { repository: name, branch })
		}
	}

	/** A branch cannot be merged into itself, so GitHub refuses the call for that, or before that for the permission. */
	async function checkPullRequests(): Promise<void> {
		try {
			await rest.pulls.create({ ...place, head: branch, base: branch, title: 'Permission check' })
		} catch (error) {
			if (!hasStatus(error, 422)) throw error
		}
	}
}
