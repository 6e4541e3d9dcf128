import { AppError, WorkspaceId } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import { drain, readPushHead, rejectionReport } from './pushCommands.ts'
import type { PushHead } from './pushCommands.ts'
import type { GitRemote, RemoteScope } from './smartHTTP.ts'

export interface GitGatewayDeps {
	/** Where the workspace's repository is, with a credential; `isFresh` when the known one was refused. Throws WORKSPACE_NOT_FOUND. */
	resolveRemote: (workspaceId: WorkspaceId, scope: RemoteScope, options?: { isFresh?: boolean }) => Promise<GitRemote>
	fetch: typeof fetch
}

/** A request of git: `path` is what follows `/git/<workspace>`. */
export interface GitRequest {
	request: Request
	principal: Principal
	workspaceId: string
	path: string
}

type Service = 'git-upload-pack' | 'git-receive-pack'
interface Call {
	workspaceId: WorkspaceId
	service: Service
	scope: RemoteScope
	/** Below the remote's URL. */
	path: string
}

const REQUEST_HEADERS = ['accept', 'content-type', 'content-encoding', 'git-protocol', 'user-agent']
const ANSWER_HEADERS = ['content-type', 'cache-control', 'expires', 'pragma']
/** What landing alone moves: a push to it would forge what was proved. */
const PROTECTED = /^refs\/(vibehq|heads\/factory)(\/|$)/i

/**
 * Git smart HTTP in front of the workspaces: checks who asks for what, puts the real credential in, streams. Executions read their
 * own workspace; operators may push, but not to what landing moves.
 */
export function createGitGateway({ resolveRemote, fetch }: GitGatewayDeps) {
	const send = async ({ workspaceId, scope, path }: Call, request: Request, body: ReadableStream<Uint8Array> | null): Promise<Response> => {
		const ask = async (isFresh: boolean) => {
			const { url, authorization } = await resolveRemote(workspaceId, scope, { isFresh })
			const headers = pick(request.headers, REQUEST_HEADERS)
			headers.set('authorization', authorization)
			return await fetch(url.replace(/\/+$/, '') + path, { method: request.method, headers, ...(body ? { body } : {}), redirect: 'manual', signal: request.signal })
		}
		const response = await ask(false)
		if (response.status !== 401 || body) return response
		await response.body?.cancel()
		return await ask(true)
	}

	const pass = async (call: Call, request: Request, body: ReadableStream<Uint8Array> | null): Promise<Response> => {
		const response = await send(call, request, body).catch((error: unknown) => {
			throw error instanceof AppError ? error : new AppError('GIT_UPSTREAM', 'The host of the workspace cannot be reached. Try again.')
		})
		if (response.status === 200) return new Response(response.body, { headers: pick(response.headers, ANSWER_HEADERS) })
		await response.body?.cancel()
		if (response.status === 404) throw new AppError('WORKSPACE_NOT_FOUND', `The host has no repository for the workspace ${call.workspaceId}.`)
		throw new AppError('GIT_UPSTREAM', `The host of the workspace answered with HTTP ${response.status}. Try again.`)
	}

	/** Reads which references a push wants to move before anything of it goes on. */
	const push = async (call: Call, request: Request): Promise<Response> => {
		const { body } = request
		if (!body || request.headers.has('content-encoding')) throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'A push must come as it is, not compressed as a whole.')
		const head = await readPushHead(body)
		const forbidden = head.refs.filter((ref) => PROTECTED.test(ref))
		if (forbidden.length > 0) return await reject(head, forbidden, body)
		return await pass(call, request, rejoin(head.bytes, body, request.headers.get('content-length')))
	}

	return {
		/** Throws FORBIDDEN, GIT_READ_ONLY, WORKSPACE_NOT_FOUND, NOT_FOUND, GIT_UPSTREAM. */
		async handle({ request, principal, workspaceId, path }: GitRequest): Promise<Response> {
			const call = callOf({ request, workspaceId, path })
			authorize(principal, call)
			if (call.service === 'git-receive-pack' && request.method === 'POST') return await push(call, request)
			return await pass(call, request, request.body)
		},
	}
}
export type GitGateway = ReturnType<typeof createGitGateway>

/** The three requests of the smart protocol; the "dumb" one reads files, which would go past every rule. */
function callOf({ request, workspaceId, path }: Omit<GitRequest, 'principal'>): Call {
	const id = WorkspaceId.safeParse(workspaceId.replace(/\.git$/, ''))
	if (!id.success) throw new AppError('WORKSPACE_NOT_FOUND', `There is no workspace ${workspaceId.slice(0, 50)}.`)
	const asked = request.method === 'GET' && path === '/info/refs' ? new URL(request.url).searchParams.get('service') : request.method === 'POST' ? path.slice(1) : null
	const service = (['git-upload-pack', 'git-receive-pack'] as const).find((name) => name === asked)
	if (!service) throw new AppError('NOT_FOUND', 'Only the smart HTTP protocol of git is spoken here: git clone, fetch and push.')
	const scope = service === 'git-receive-pack' ? 'write' : 'read'
	return { workspaceId: id.data, service, scope, path: request.method === 'GET' ? `/info/refs?service=${service}` : `/${service}` }
}

function authorize(principal: Principal, { workspaceId, scope }: Call): void {
	if (principal.workspaceId !== undefined && principal.workspaceId !== workspaceId) {
		throw new AppError('FORBIDDEN', 'The token of an execution opens the workspace of that execution and no other.')
	}
	if (scope === 'write' && !principal.scopes.includes('git:write')) {
		throw new AppError('GIT_READ_ONLY', 'This token may read the workspace, not push to it. The orchestrator lands what an execution wrote.')
	}
	if (scope === 'read' && !principal.scopes.includes('git:read')) throw new AppError('FORBIDDEN', `A token of kind ${principal.kind} does not have the scope git:read.`)
}

function pick(headers: Headers, names: readonly string[]): Headers {
	return new Headers([...headers].filter(([name]) => names.includes(name)))
}

/** The body as it was. Its length goes with it where it was declared, because not every git host takes a body without one. */
function rejoin(head: Uint8Array, rest: ReadableStream<Uint8Array>, length: string | null): ReadableStream<Uint8Array> {
	const { readable, writable } = length === null ? new TransformStream<Uint8Array, Uint8Array>() : new FixedLengthStream(Number(length))
	const join = async () => {
		const writer = writable.getWriter()
		await writer.write(head)
		writer.releaseLock()
		await rest.pipeTo(writable)
	}
	// When it fails, the reader of `readable` fails too and tells.
	void join().catch(() => undefined)
	return readable
}

async function reject(head: PushHead, forbidden: readonly string[], body: ReadableStream<Uint8Array>): Promise<Response> {
	const reason = 'GIT_READ_ONLY: only landing moves this reference'
	const report = rejectionReport(head, (ref) => (forbidden.includes(ref) ? reason : 'refused together with a protected reference'))
	await drain(body)
	if (!report) throw new AppError('GIT_READ_ONLY', `Only landing moves ${forbidden.join(', ')}. Push to another branch.`)
	return new Response(report, { headers: { 'content-type': 'application/x-git-receive-pack-result', 'cache-control': 'no-cache' } })
}
