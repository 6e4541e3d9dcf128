import { PermissionAnswer, readAnswer } from './answers.ts'
import type { GitHubClient } from './githubClient.ts'
import { hasStatus } from './githubErrors.ts'
import type { GitHubRepo } from './githubRepo.ts'

const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/
const WRITERS = ['admin', 'maintain', 'write']

/**
 * Whether this person may push to the repository, which is what starting work in it takes. The role may be one of the organisation's
 * own making; `permission` is what it comes to.
 */
export async function hasWriteAccess({ rest }: GitHubClient, place: GitHubRepo, login: string): Promise<boolean> {
	if (!LOGIN.test(login)) return false
	try {
		const { data } = await rest.repos.getCollaboratorPermissionLevel({ ...place, username: login })
		return WRITERS.includes(readAnswer(PermissionAnswer, data, 'a permission').permission)
	} catch (error) {
		if (hasStatus(error, 404)) return false
		throw error
	}
}
