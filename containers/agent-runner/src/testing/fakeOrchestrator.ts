// For tests only: the claim API, the git gateway and the model gateway of an orchestrator, with nothing behind them but memory.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AgentRunParameters, ClaimedTask, ExecutionGrant, ProgressEvent, ValidateParameters } from '@shared/contracts'
import { ClaimRequest, CompleteRequest, FailRequest, HeartbeatRequest } from '@shared/contracts'
import type { TestRepository } from './gitServer.ts'

export const RUNNER_TOKEN = 'runner-token-0123456789abcdef'
export const EXECUTION_TOKEN = 'execution-token-0123456789abcdef'

export interface TaskRecord {
	claimed: ClaimedTask
	state: 'pending' | 'running' | 'completed' | 'failed'
	claims: number
	heartbeats: number
	progress: ProgressEvent[]
	output: Record<string, unknown> | undefined
	error: FailRequest['error'] | undefined
	cancel: { code: string; message: string } | null
	isLeaseLost: boolean
	/** `complete` is answered with this error. */
	refusal: { status: number; code: string } | null
}

export interface FakeOrchestrator {
	url: string
	/** Everything that runners sent, as it came over the wire. */
	received: string[]
	claims: ClaimRequest[]
	add(task: Partial<ClaimedTask['task']> & Pick<ClaimedTask['task'], 'taskType'>, grant?: Partial<ExecutionGrant> | null): TaskRecord
	/** Answers requests below `/gateway/`. */
	onGateway: (request: IncomingMessage, response: ServerResponse) => void
	patchSet: unknown
	/** No connection gets through between `goDown` and `comeUp`. */
	goDown(): Promise<void>
	comeUp(): Promise<void>
	close(): Promise<void>
}

let counter = 0

function newTask(task: Partial<ClaimedTask['task']> & Pick<ClaimedTask['task'], 'taskType'>): ClaimedTask['task'] {
	counter += 1
	const taskId = `CTK-${String(counter).padStart(16, '0')}`
	return {
		taskId: taskId as ClaimedTask['task']['taskId'],
		workerName: 'test',
		containerName: null,
		status: 'assigned',
		outcome: null,
		priority: 0,
		command: [],
		parameters: {},
		requires: null,
		executionId: null,
		assignedTo: 'test:test',
		attempt: 1,
		maxAttempts: 3,
		timeoutMs: 60_000,
		leaseExpiresAt: Date.now() + 60_000,
		output: null,
		error: null,
		createdAt: Date.now(),
		assignedAt: Date.now(),
		startedAt: null,
		completedAt: null,
		...task,
	}
}

export async function startFakeOrchestrator(repository: TestRepository, { leaseMs = 600 } = {}): Promise<FakeOrchestrator> {
	const tasks = new Map<string, TaskRecord>()
	let port = 0
	const fake: FakeOrchestrator = {
		url: '',
		received: [],
		claims: [],
		patchSet: null,
		onGateway: (_request, response) => void response.writeHead(404).end(),
		add(task, grant = {}) {
			const full = newTask(task)
			const record: TaskRecord = {
				claimed: { task: full, leaseToken: `lease-${full.taskId}`, leaseExpiresAt: Date.now() + leaseMs, leaseMs, grant: grant && { ...GRANT, ...grant } },
				state: 'pending',
				claims: 0,
				heartbeats: 0,
				progress: [],
				output: undefined,
				error: undefined,
				cancel: null,
				isLeaseLost: false,
				refusal: null,
			}
			tasks.set(full.taskId, record)
			return record
		},
		async goDown() {
			const closed = Promise.withResolvers<void>()
			server.close(() => closed.resolve())
			server.closeAllConnections()
			await closed.promise
		},
		async comeUp() {
			await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
		},
		close: () => fake.goDown(),
	}
	const server = createServer((request, response) => void handle({ fake, tasks, repository, request, response }))
	await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
	port = (server.address() as AddressInfo).port
	fake.url = `http://127.0.0.1:${port}`
	return fake
}

const GRANT: ExecutionGrant = {
	executionToken: EXECUTION_TOKEN,
	gatewayPath: '/gateway/claude',
	gitPath: '/git/repo.git',
	patchPath: '/patch',
	mode: 'gateway',
	secretEnv: {},
	upstream: 'emulator',
}

interface Exchange {
	fake: FakeOrchestrator
	tasks: Map<string, TaskRecord>
	repository: TestRepository
	request: IncomingMessage
	response: ServerResponse
}

async function handle({ fake, tasks, repository, request, response }: Exchange): Promise<void> {
	const { pathname } = new URL(request.url ?? '/', fake.url)
	if (pathname.startsWith('/gateway/')) return fake.onGateway(request, response)
	const token = request.headers.authorization
	const send = (status: number, body?: unknown): void => {
		response.writeHead(status, { 'content-type': 'application/json' })
		response.end(body === undefined ? undefined : JSON.stringify(body))
	}
	const refuse = (status: number, code: string): void => send(status, { error: { code, message: code, retryable: false } })
	if (pathname.startsWith('/git/')) {
		if (token !== `Bearer ${EXECUTION_TOKEN}`) return refuse(401, 'UNAUTHENTICATED')
		if (pathname.includes('receive-pack') || (request.url ?? '').includes('receive-pack')) return refuse(403, 'GIT_READ_ONLY')
		return repository.serve(request, response, pathname.slice('/git'.length))
	}
	if (pathname === '/patch') return token === `Bearer ${EXECUTION_TOKEN}` ? send(200, fake.patchSet) : refuse(401, 'UNAUTHENTICATED')
	if (token !== `Bearer ${RUNNER_TOKEN}`) return refuse(401, 'UNAUTHENTICATED')
	const body = await text(request)
	fake.received.push(body)
	if (pathname === '/api/tasks/claim') return await claim(fake, tasks, { body, send, isGone: () => response.destroyed })
	const [, taskId = '', verb = ''] = /^\/api\/tasks\/([^/]+)\/(\w+)$/.exec(pathname) ?? []
	const record = tasks.get(taskId)
	if (!record) return refuse(404, 'CONTAINER_TASK_NOT_FOUND')
	if (record.isLeaseLost) return refuse(409, 'LEASE_LOST')
	if (record.refusal && verb === 'complete') return refuse(record.refusal.status, record.refusal.code)
	answer(record, { verb, body, send })
}

interface Claim {
	body: string
	send: (status: number, body?: unknown) => void
	isGone: () => boolean
}

async function claim(fake: FakeOrchestrator, tasks: Map<string, TaskRecord>, { body, send, isGone }: Claim): Promise<void> {
	const asked = ClaimRequest.parse(JSON.parse(body))
	fake.claims.push(asked)
	const deadline = Date.now() + Math.min(asked.waitMs, 2000)
	for (;;) {
		const fits = [...tasks.values()].filter(({ state, claimed: { task } }) => {
			const isAble = task.requires === null || asked.capabilities.includes(task.requires)
			return state === 'pending' && isAble
		})
		if (fits.length > 0 && !isGone()) {
			const taken = fits.slice(0, asked.max)
			for (const record of taken) {
				record.state = 'running'
				record.claims += 1
			}
			return send(200, { tasks: taken.map((record) => record.claimed) })
		}
		if (Date.now() >= deadline || isGone()) return send(204)
		await new Promise((resolve) => setTimeout(resolve, 20))
	}
}

function answer(record: TaskRecord, { verb, body, send }: { verb: string; body: string; send: (status: number, body?: unknown) => void }): void {
	const json: unknown = JSON.parse(body)
	if (verb === 'heartbeat') {
		record.heartbeats += 1
		record.progress.push(...HeartbeatRequest.parse(json).progress)
		return send(200, { leaseExpiresAt: Date.now() + 1000, cancel: record.cancel })
	}
	if (verb === 'complete') {
		const { output, progress } = CompleteRequest.parse(json)
		Object.assign(record, { state: 'completed', output })
		record.progress.push(...progress)
	} else {
		const { error, output, progress } = FailRequest.parse(json)
		Object.assign(record, { state: error.retryable && record.claims < 3 ? 'pending' : 'failed', error, output })
		record.progress.push(...progress)
	}
	send(200, record.claimed.task)
}

export function agentParameters(more: Partial<AgentRunParameters> & Pick<AgentRunParameters, 'baseCommit' | 'prompt'>): Record<string, unknown> {
	return {
		executionId: 'EXE-0000000000000001',
		taskUuid: 'TSK-000000000001',
		orderId: 'ORD-000001',
		provider: 'claude',
		model: 'claude-sonnet-5',
		workspaceId: 'wsp-000000000001',
		baseRef: 'refs/heads/main',
		wallClockMs: 30_000,
		stallMs: 20_000,
		patchSetId: 'PST-0000000000000001',
		...more,
	}
}

export function validateParameters(more: Partial<ValidateParameters> & Pick<ValidateParameters, 'baseCommit' | 'candidateCommit' | 'candidateTree'>): Record<string, unknown> {
	return {
		executionId: 'EXE-0000000000000001',
		patchSetId: 'PST-0000000000000001',
		workspaceId: 'wsp-000000000001',
		ontoCommit: more.baseCommit,
		candidateRef: 'refs/vibehq/candidates/EXE-0000000000000001',
		commands: [],
		wallClockMs: 20_000,
		...more,
	}
}

/** Waits until something is so; says what it waited for when it never is. */
export async function until<T>(what: string, look: () => T | undefined | false | null, timeoutMs = 15_000): Promise<T> {
	const deadline = Date.now() + timeoutMs
	for (;;) {
		const found = look()
		if (found) return found
		if (Date.now() > deadline) throw new Error(`Waited in vain for: ${what}`)
		await new Promise((resolve) => setTimeout(resolve, 10))
	}
}
