import { AppError } from '@shared/contracts'
import { SignJWT } from 'jose'
import type { GitRemote, RemoteScope } from '../git/smartHTTP.ts'
import { InstallationAnswer, readAnswer, TokenAnswer } from './answers.ts'
import { importAppKey } from './appKey.ts'
import { createGitHubClient } from './githubClient.ts'
import type { GitHubClient, GitHubClientDeps } from './githubClient.ts'
import { hasStatus } from './githubErrors.ts'
import { repoName } from './githubRepo.ts'
import type { GitHubRepo } from './githubRepo.ts'

/** What an isolate remembers of GitHub. It is written nowhere; give every request the same one. */
export interface GitHubTokenCache {
	/** By repository and scope. */
	tokens: Map<string, { token: string; expiresAt: number }>
	/** By repository. */
	installations: Map<string, number>
}
export const createGitHubTokenCache = (): GitHubTokenCache => ({ tokens: new Map(), installations: new Map() })

export interface GitHubCredentialsDeps extends Omit<GitHubClientDeps, 'token'> {
	/** Preferred: its tokens are for one repository and last an hour. */
	app?: { appId: string; privateKey: string } | undefined
	/** A fine-grained personal access token, used where there is no App or the App is not installed. */
	token?: string | undefined
	cache: GitHubTokenCache
	/** Where GitHub speaks git. */
	gitBaseURL?: string | undefined
}

/** A token is not handed out for the last stretch of its life, so that a long clone does not outlive it. */
const MARGIN_MS = 10 * 60_000
/** GitHub takes at most ten minutes, by its own clock. */
const JWT_LIFE_S = 8 * 60
const CLOCK_SKEW_S = 60
const MAX_REMEMBERED = 500

const PERMISSIONS = {
	read: { contents: 'read', metadata: 'read' },
	write: { contents: 'write', pull_requests: 'write', metadata: 'read' },
	comment: { issues: 'write', pull_requests: 'write', metadata: 'read' },
} as const

/** What a credential is for; git itself knows the first two only. */
export type GitHubScope = RemoteScope | 'comment'

/** Credentials for one repository each, with no more rights than the scope needs. */
export function createGitHubCredentials({ app, token, cache, gitBaseURL = 'https://github.com', ...http }: GitHubCredentialsDeps) {
	let appClient: GitHubClient | undefined

	function asApp({ appId, privateKey }: { appId: string; privateKey: string }): GitHubClient {
		const sign = async () => {
			const at = Math.floor(http.now() / 1000)
			const jwt = new SignJWT().setProtectedHeader({ alg: 'RS256' }).setIssuer(appId)
			return await jwt.setIssuedAt(at - CLOCK_SKEW_S).setExpirationTime(at + JWT_LIFE_S).sign(await importAppKey(privateKey))
		}
		return createGitHubClient({ ...http, token: sign })
	}

	/** The installation that covers the repository, or null when the App is not installed there. */
	async function installationOf(client: GitHubClient, place: GitHubRepo): Promise<number | null> {
		const known = cache.installations.get(repoName(place))
		if (known !== undefined) return known
		try {
			const { data } = await client.rest.apps.getRepoInstallation({ ...place })
			const { id } = readAnswer(InstallationAnswer, data, 'the installation of the App')
			remember(cache.installations, repoName(place), id)
			return id
		} catch (error) {
			if (hasStatus(error, 404)) return null
			throw error
		}
	}

	async function appToken(place: GitHubRepo, scope: GitHubScope): Promise<string | null> {
		if (app === undefined) return null
		appClient ??= asApp(app)
		const installation = await installationOf(appClient, place)
		if (installation === null) return null
		try {
			const { data } = await appClient.rest.apps.createInstallationAccessToken({ installation_id: installation, repositories: [place.repo], permissions: PERMISSIONS[scope] })
			const made = readAnswer(TokenAnswer, data, 'the token of the App')
			remember(cache.tokens, `${repoName(place)} ${scope}`, { token: made.token, expiresAt: Date.parse(made.expires_at) })
			return made.token
		} catch (error) {
			// Uninstalled, or installed anew under another number.
			if (hasStatus(error, 404)) cache.installations.delete(repoName(place))
			if (!hasStatus(error, 422)) throw error
			const wanted = Object.entries(PERMISSIONS[scope]).map(([name, level]) => `${name}: ${level}`).join(', ')
			throw new AppError('FORBIDDEN', `The GitHub App may not act on ${repoName(place)} with ${wanted}. Grant it these permissions, and accept them for the installation.`, { permission: wanted })
		}
	}

	/** Throws NOT_CONFIGURED when there is neither App nor token, FORBIDDEN when neither covers the repository, and what the client throws. */
	async function credentialOf(place: GitHubRepo, scope: GitHubScope, { isFresh = false }: { isFresh?: boolean } = {}): Promise<string> {
		const known = cache.tokens.get(`${repoName(place)} ${scope}`)
		if (known !== undefined && !isFresh && known.expiresAt - MARGIN_MS > http.now()) return known.token
		const made = (await appToken(place, scope)) ?? token
		if (made !== undefined) return made
		if (app === undefined) throw new AppError('NOT_CONFIGURED', 'There is no credential for GitHub. Set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or GITHUB_TOKEN.')
		throw new AppError('FORBIDDEN', `The GitHub App is not installed on ${repoName(place)}. Install it there, or set GITHUB_TOKEN.`)
	}

	return {
		credentialOf,

		/** The API for one repository and scope. */
		clientFor: (place: GitHubRepo, scope: GitHubScope): GitHubClient => createGitHubClient({ ...http, token: (options) => credentialOf(place, scope, options) }),

		/** Where the repository speaks git, for the git gateway. GitHub takes a token as the password of Basic authentication. */
		async remoteOf(place: GitHubRepo, scope: RemoteScope, options?: { isFresh?: boolean }): Promise<GitRemote> {
			const credential = await credentialOf(place, scope, options)
			return { url: `${gitBaseURL.replace(/\/+$/, '')}/${repoName(place)}.git`, authorization: `Basic ${btoa(`x-access-token:${credential}`)}` }
		},
	}
}
export type GitHubCredentials = ReturnType<typeof createGitHubCredentials>

function remember<T>(known: Map<string, T>, key: string, value: T): void {
	known.delete(key)
	known.set(key, value)
	const [oldest] = known.keys()
	if (known.size > MAX_REMEMBERED && oldest !== undefined) known.delete(oldest)
}
