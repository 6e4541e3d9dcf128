import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commitFiles } from './git.ts'
import { createHub } from './hub.ts'
import type { Hub, Repo } from './hub.ts'
import { addComment, mergePull } from './routes/pulls.ts'
import { createRequestListener } from './server.ts'
import { eventBase } from './shapes.ts'
import type { Delivery, FakeGitHubOptions, Fault, RecordedCall } from './types.ts'

const LIMIT_BODY = JSON.stringify({ message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.', documentation_url: 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api' })

/**
 * A GitHub on this machine: the REST API for git data, contents, pull requests, comments, Apps and permissions, git's own protocol at
 * `/owner/name.git`, and signed webhooks. What it keeps are real bare repositories, and git makes every object. Each answer has the header
 * `x-fake-github: vibehq`.
 */
export async function createFakeGitHub(options: FakeGitHubOptions) {
	const root = await mkdtemp(join(tmpdir(), 'fake-github-'))
	const hub = await createHub(root, options)
	const calls: RecordedCall[] = []
	const faults: Fault[] = []
	const listener = createRequestListener({ hub, root, calls, faults, rateLimit: options.rateLimit ?? 5000 })
	const server = createServer((request, response) => void listener(request, response))
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	server.once('error', reject)
	server.listen(options.port ?? 0, '127.0.0.1', resolve)
	await promise
	const { port } = server.address() as AddressInfo
	hub.url = `http://127.0.0.1:${port}`

	return {
		/** Base URL of the API and of git. */
		url: hub.url,
		port,
		/** Every request so far, oldest first. */
		calls,
		/** Events so far, oldest first. */
		deliveries: hub.webhooks.deliveries,
		fault: (fault: Fault) => void faults.push({ ...fault }),
		/** A secondary limit, as GitHub words it, for the next calls that fit. */
		secondaryLimit: ({ retryAfterS, ...fault }: Omit<Fault, 'status'> & { retryAfterS?: number }) =>
			void faults.push({ ...fault, status: 403, body: LIMIT_BODY, headers: retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) } }),
		/** Makes a token worthless. */
		revoke: hub.auth.revoke,
		/** Tokens of the App that were handed out, so that a test can look for them. */
		issuedTokens: hub.auth.issued,
		...actions(hub),
		async close() {
			await hub.webhooks.settled()
			const closed = Promise.withResolvers<void>()
			server.close(() => closed.resolve())
			server.closeAllConnections()
			await closed.promise
			await rm(root, { recursive: true, force: true })
		},
	}
}
export type FakeGitHub = Awaited<ReturnType<typeof createFakeGitHub>>

/** What people do on the web pages. */
function actions(hub: Hub) {
	const mustFind = (name: string): Repo => {
		const repo = hub.repos.get(name.toLowerCase())
		if (!repo) throw new Error(`the fake has no repository ${name}`)
		return repo
	}
	return {
		/** Runs git in the bare repository. */
		git: (repo: string, ...args: string[]) => mustFind(repo).git.text(args),
		/** Somebody commits exactly these files on top of a branch. */
		commit: (repo: string, files: Record<string, string>, { branch = 'main' } = {}) => commitFiles(mustFind(repo).git, files, { branch, at: hub.now() }),
		openIssue(repo: string, title: string): number {
			const found = mustFind(repo)
			found.lastNumber += 1
			found.issues.set(found.lastNumber, title)
			return found.lastNumber
		},
		async comment(repo: string, comment: { number: number; login: string; body: string; review?: { path: string; line: number | null; inReplyTo?: number } }): Promise<number> {
			const { id } = await addComment(hub, mustFind(repo), comment)
			await hub.webhooks.settled()
			return id
		},
		async merge(repo: string, number: number, login: string): Promise<string> {
			const commit = await mergePull(hub, mustFind(repo), { number, login })
			await hub.webhooks.settled()
			return commit
		},
		/** Any event, signed. What every event has is added. */
		deliver: (event: string, { repo, login, ...payload }: { repo: string; login: string } & Record<string, unknown>): Promise<Delivery> => hub.webhooks.deliver(event, { ...eventBase(hub, mustFind(repo), login), ...payload }),
		redeliver: hub.webhooks.redeliver,
		/** Until every event so far was sent. */
		settled: hub.webhooks.settled,
		setWebhookURL(url: string): void {
			hub.webhooks.settings.url = url
		},
	}
}

/** The keys of a GitHub App. The private one is in the form that GitHub hands out (PKCS#1) and in the newer one. */
export function makeAppKeys(): { privateKey: string; privateKeyPKCS8: string; publicKey: string } {
	const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
	return {
		privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
		privateKeyPKCS8: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
		publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
	}
}
