import { AppError } from '@shared/contracts'
import { httpStatusOf } from './julesErrors.ts'
import { julesPages } from './julesPages.ts'
import type { JulesRequest } from './julesRequest.ts'
import { JulesSource } from './julesTypes.ts'

export interface RepositoryName {
	owner: string
	repo: string
}

export type FoundSource = { isConnected: true; source: JulesSource } | { isConnected: false; message: string }

const MAX_SOURCES = 5000

/**
 * The source of a GitHub repository, under the name that the API gives it. Repositories are connected in the web application only, so
 * one that is not there is an answer. Throws INVALID_INPUT for what cannot be a repository's name.
 */
export async function findSource(request: JulesRequest, { owner, repo }: RepositoryName): Promise<FoundSource> {
	if (!isName(owner) || !isName(repo)) throw new AppError('INVALID_INPUT', `${JSON.stringify(`${owner}/${repo}`.slice(0, 100))} is not the name of a GitHub repository. Give owner and repository, such as acme/shop.`)
	const named = await getSource(request, { owner, repo })
	if (named !== null) return { isConnected: true, source: named }
	// Its name may be formed in another way or written in other case; only a source that says it is this repository counts.
	for await (const page of julesPages(request, { name: 'sources.list', path: 'sources', field: 'sources', item: JulesSource, pageSize: 100, maxItems: MAX_SOURCES })) {
		const source = page.find((one) => isSame(one.owner, owner) && isSame(one.repo, repo))
		if (source) return { isConnected: true, source }
	}
	return { isConnected: false, message: `The repository ${owner}/${repo} is not connected to Jules. Connect it at https://jules.google.com, then try again.` }
}

/** Null when the API has no source of this name, or will not tell: the list then decides whether the key or the name is at fault. */
async function getSource(request: JulesRequest, { owner, repo }: RepositoryName): Promise<JulesSource | null> {
	try {
		return await request({ name: 'sources.get', path: `sources/github/${owner}/${repo}`, answer: JulesSource })
	} catch (error) {
		if ([400, 403, 404].includes(httpStatusOf(error) ?? 0)) return null
		throw error
	}
}

const isName = (name: string) => /^[A-Za-z0-9._-]{1,100}$/.test(name) && !/^\.+$/.test(name)
const isSame = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()
