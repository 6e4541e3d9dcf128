import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createGunzip } from 'node:zlib'
import { announcePush, refsOf } from './events.ts'
import { gitEnv } from './git.ts'
import { Refusal } from './http.ts'
import type { Hub } from './hub.ts'
import { requireRight, visibleRepo } from './routes/repoCall.ts'

/** `/owner/name.git/` and what git asks for; without `.git` too, as GitHub takes it. */
const GIT_PATH = /^\/([\w.-]+\/[\w.-]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/

export const isGitPath = (pathname: string) => GIT_PATH.test(pathname)

export interface GitExchange {
	root: string
	request: IncomingMessage
	response: ServerResponse
}

/** Git's smart HTTP protocol, spoken by git itself. Returns who spoke it. */
export async function serveGit(hub: Hub, { root, request, response }: GitExchange): Promise<{ login: string | null }> {
	const url = new URL(request.url ?? '/', 'http://fake')
	const [, name = '', path = ''] = GIT_PATH.exec(url.pathname) ?? []
	const isWrite = path === 'git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack'
	const actor = hub.auth.basicActorOf(request.headers.authorization)
	const challenge = { headers: { 'www-authenticate': 'Basic realm="GitHub"' } }
	// Git asks without a credential first and comes again with one when it is challenged.
	if (!actor && (isWrite || hub.repos.get(name.toLowerCase())?.isPrivate !== false)) throw new Refusal(401, 'Repository not found.', challenge)
	const repo = visibleRepo(hub, actor, name)
	requireRight(actor, repo, ['contents', isWrite ? 'write' : 'read'])
	const before = path === 'git-receive-pack' ? await refsOf(repo) : null
	const exchange = async () => {
		await runBackend({ root, request, response }, `/${repo.fullName}.git/${path}${url.search}`)
		if (before) await announcePush(hub, repo, { before, login: actor?.login ?? 'anonymous' })
	}
	// Git has its answer before the push is announced.
	await hub.webhooks.hold(exchange())
	return { login: actor?.login ?? null }
}

/** git http-backend is a CGI program: a header block, an empty line, the body. */
function runBackend({ root, request, response }: GitExchange, target: string): Promise<void> {
	const { pathname, search } = new URL(target, 'http://fake')
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	const child = spawn('git', ['http-backend'], {
		env: {
			...gitEnv(root),
			GIT_PROJECT_ROOT: root,
			GIT_HTTP_EXPORT_ALL: '1',
			PATH_INFO: pathname,
			QUERY_STRING: search.slice(1),
			REQUEST_METHOD: request.method,
			REMOTE_USER: 'fake',
			CONTENT_TYPE: request.headers['content-type'] ?? '',
			GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
		},
	})
	child.on('error', reject)
	child.stdin.on('error', () => undefined)
	if (request.headers['content-encoding'] === 'gzip') request.pipe(createGunzip()).pipe(child.stdin)
	else request.pipe(child.stdin)
	const chunks: Buffer[] = []
	child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
	child.on('close', () => {
		const output = Buffer.concat(chunks)
		const end = output.indexOf('\r\n\r\n')
		let status = 200
		for (const line of output.subarray(0, Math.max(end, 0)).toString().split('\r\n')) {
			const [name = '', value = ''] = line.split(/: (.*)/s)
			if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
			else if (name !== '') response.setHeader(name, value)
		}
		response.writeHead(end === -1 ? 500 : status).end(output.subarray(end + 4))
		resolve()
	})
	return promise
}
