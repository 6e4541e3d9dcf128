import { AppError } from '@shared/contracts'

/** A repository by the names that every call of the API takes. */
export interface GitHubRepo {
	owner: string
	repo: string
}

// A name of dots alone would lead the address of a call elsewhere.
const NAME = /^([A-Za-z0-9][A-Za-z0-9_-]{0,99})\/(?!\.{1,2}$)([\w.-]{1,100})$/

export const repoName = ({ owner, repo }: GitHubRepo) => `${owner}/${repo}`

/** Throws INVALID_INPUT for anything but `owner/name`. */
export function parseGitHubRepo(text: string): GitHubRepo {
	const [, owner, repo] = NAME.exec(text) ?? []
	if (owner === undefined || repo === undefined) {
		throw new AppError('INVALID_INPUT', `${JSON.stringify(text.slice(0, 100))} names no GitHub repository. Write owner/name.`)
	}
	return { owner, repo }
}
