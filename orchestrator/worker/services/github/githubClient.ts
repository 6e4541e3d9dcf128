import { Octokit } from '@octokit/core'
import { restEndpointMethods } from '@octokit/plugin-rest-endpoint-methods'
import { RequestError } from '@octokit/request-error'
import { AppError } from '@shared/contracts'
import { concatBytes } from '../git/objects.ts'
import { toGitHubError } from './githubErrors.ts'

export interface GitHubClientDeps {
	/** The credential of the calls. `isFresh` asks for a new one because GitHub refused the known one. */
	token(options: { isFresh: boolean }): Promise<string>
	fetch: typeof fetch
	/** `https://api.github.com` unless said otherwise (GitHub Enterprise: `https://<host>/api/v3`). */
	baseURL?: string | undefined
	now: () => number
}

const GITHUB_API = 'https://api.github.com'
/** GitHub supports it for at least two years after its successor came out in March 2026. */
const API_VERSION = '2022-11-28'
/** A recursive tree has at most 7 MB; no file that can be patched is larger than this. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const TIMEOUT_MS = 30_000

const GitHub = Octokit.plugin(restEndpointMethods)

/**
 * GitHub's REST API. Every call throws an AppError: RATE_LIMITED (`details.retryAt`), FORBIDDEN naming the permission, NOT_CONFIGURED,
 * WORKSPACE_NOT_FOUND, WORKSPACE_UNSUPPORTED, PAYLOAD_TOO_LARGE, GIT_UPSTREAM; `details.status` has the HTTP status. It never waits, never
 * repeats a call but once after a refused credential, and follows no redirect, which would carry the credential elsewhere.
 */
export function createGitHubClient({ token, fetch, baseURL = GITHUB_API, now }: GitHubClientDeps) {
	const client = new GitHub({
		baseUrl: baseURL.replace(/\/+$/, ''),
		userAgent: 'vibehq',
		request: { fetch: boundedFetch(fetch), redirect: 'manual' },
		// What octokit would say goes to nobody: it quotes addresses of calls.
		log: { debug() {}, info() {}, warn() {}, error() {} },
	})
	client.hook.wrap('request', async (request, options) => {
		const send = (credential: string) =>
			request({ ...options, headers: { ...options.headers, 'x-github-api-version': API_VERSION, authorization: `Bearer ${credential}` } })
		try {
			const known = await token({ isFresh: false })
			try {
				return await send(known)
			} catch (error) {
				const fresh = error instanceof RequestError && error.status === 401 ? await token({ isFresh: true }) : known
				if (fresh === known) throw error
				return await send(fresh)
			}
		} catch (error) {
			throw toGitHubError(error, { call: `${options.method} ${options.url}`, now: now() })
		}
	})
	return client
}
export type GitHubClient = ReturnType<typeof createGitHubClient>

/** Reads each answer whole, up to the limit and within the time, before octokit sees it: octokit takes a broken body for an empty one. */
function boundedFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
	return async (input, init) => {
		const response = await fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
		if (response.status >= 300 && response.status < 400) {
			await response.body?.cancel()
			throw new AppError('WORKSPACE_NOT_FOUND', `GitHub answered with a redirect (HTTP ${response.status}): the repository was renamed or moved. Give its new name.`, { status: response.status })
		}
		const { status, headers } = response
		return new Response(status === 204 || status === 205 ? null : await readWhole(response), { status, headers })
	}
}

async function readWhole(response: Response): Promise<Uint8Array<ArrayBuffer>> {
	const chunks: Uint8Array[] = []
	let length = 0
	for await (const chunk of response.body ?? []) {
		length += chunk.length
		// Leaving the loop cancels the body.
		if (length > MAX_ANSWER_BYTES) throw new AppError('PAYLOAD_TOO_LARGE', `An answer of GitHub is longer than ${MAX_ANSWER_BYTES} bytes, which is the most that is read.`)
		chunks.push(chunk)
	}
	return concatBytes(chunks)
}
