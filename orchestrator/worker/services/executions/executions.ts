import { AppError, isAppError } from '@shared/contracts'
import type { AssignmentView, ExecutionStarted, ExecutionView, LogEntry, Page, PageRequest, ProviderName, ProviderTaskMessage, RouteCandidate, RouteDecision, TaskView } from '@shared/contracts'
import type { Database, Statement } from '../../database/client.ts'
import { executionsOfTask, findExecution, listExecutions, requestCancel } from '../../database/repositories/executions.ts'
import type { Execution } from '../../database/repositories/executions.ts'
import { appendLog, readExecutionLog } from '../../database/repositories/operationLogs.ts'
import { findOrder, findTask, insertTask, updateTask } from '../../database/repositories/orders.ts'
import type { Order } from '../../database/repositories/orders.ts'
import { decodeCursor, encodeCursor, toPage } from '../cursor.ts'
import type { Ids } from '../ids.ts'
import type { Origin } from '../origin.ts'
import { handOver } from './handover.ts'
import { nextExecution } from './nextExecution.ts'
import { toExecutionView } from './view.ts'

export interface ExecutionsDeps {
	db: Database
	now: () => number
	ids: Ids
	/** Decides who does a task; throws NO_PROVIDER_AVAILABLE or PROVIDER_NOT_ELIGIBLE with the reasons. */
	route: (order: Order, preferred: ProviderName | undefined, exclude: ProviderName[]) => Promise<RouteDecision>
	/** A patch set as a unified diff. */
	diffOf: (patchSetId: string) => Promise<string>
	candidates: (order: Order) => Promise<RouteCandidate[]>
	assignments: {
		insert: (assignment: { taskId: string; route: RouteDecision; executionId: string | null; status: string; origin: Origin; at: number }) => Statement
		ofTask: (taskId: string) => Promise<AssignmentView[]>
	}
	/** Tells the queue about an execution. A lost message is told again by the sweeper. */
	enqueue: (message: ProviderTaskMessage) => Promise<void>
	sleep: (ms: number) => Promise<void>
	/** Stops what runs for an execution and wakes its Workflow. */
	interrupt: (execution: Execution, reason: string) => Promise<void>
}

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 250

/** Routing decisions and the executions that follow from them. */
export function createExecutions(deps: ExecutionsDeps) {
	const { db, now, ids } = deps

	async function load(taskId: string): Promise<{ task: TaskView; order: Order }> {
		const task = await findTask(db, taskId)
		const order = task && (await findOrder(db, task.orderId))
		if (!task || !order) throw new AppError('TASK_NOT_FOUND', `There is no task ${taskId.slice(0, 40)}.`)
		return { task, order }
	}

	async function mustFind(executionId: string): Promise<Execution> {
		const execution = await findExecution(db, executionId)
		if (!execution) throw new AppError('EXECUTION_NOT_FOUND', `There is no execution ${executionId.slice(0, 40)}.`)
		return execution
	}

	async function assign(taskId: string, preferred: ProviderName | undefined, origin: Origin): Promise<RouteDecision> {
		const { task, order } = await load(taskId)
		const route = await deps.route(order, preferred ?? order.provider ?? undefined, [])
		const at = now()
		await db.batch([
			deps.assignments.insert({ taskId, route, executionId: null, status: 'assigned', origin, at }),
			updateTask({ taskId, status: task.status === 'running' ? 'running' : 'assigned', at, ...(task.status === 'running' ? {} : { provider: route.provider }) }),
			appendLog({ source: 'orchestrator.router', operation: 'router.assigned', orderId: order.orderId, taskId, details: { provider: route.provider, mode: route.mode, reason: route.reason, chain: route.chain }, workerName: origin.workerName, at }),
		])
		return route
	}

	/** Routes a task and queues its execution. TASK_BUSY while another execution of the task is live. */
	async function execute(taskId: string, provider: ProviderName | undefined, origin: Origin): Promise<ExecutionStarted> {
		const { task, order } = await load(taskId)
		const route = await deps.route(order, provider ?? order.provider ?? undefined, [])
		const attempt = (await executionsOfTask(db, taskId)).length + 1
		const next = nextExecution({ task, order, route, attempt, origin, ids, at: now() })
		try {
			await db.batch([...next.statements, deps.assignments.insert({ taskId, route, executionId: next.executionId, status: 'executing', origin, at: now() })])
		} catch (error) {
			if (!/UNIQUE/.test(String(error))) throw error
			throw new AppError('TASK_BUSY', `Task ${taskId} already has a live execution. Wait for it or cancel it first.`)
		}
		await deps.enqueue(next.message).catch((error: unknown) => console.error({ message: 'enqueue failed; the sweeper will tell the queue again', executionId: next.executionId, error: String(error) }))
		return { executionId: next.executionId, taskId, provider: route.provider, route }
	}

	/** What to batch and to send so that the next provider of the chain takes over; null when there is none. */
	async function planFallback(failed: Execution, retryCode: string) {
		const tried = (await executionsOfTask(db, failed.taskId)).map((execution) => execution.provider)
		if (failed.route.mode === 'manual') return null
		const { task, order } = await load(failed.taskId)
		const origin = { workerName: failed.workerName }
		try {
			const decided = await deps.route(order, undefined, tried)
			const { prompt, patchSetId } = await handOver(failed, task.prompt, deps.diffOf)
			const left = patchSetId === null ? '' : ` and left ${patchSetId}, which is handed over`
			const route: RouteDecision = { ...decided, mode: 'fallback', reason: `${failed.provider} failed with ${retryCode}${left}; ${decided.reason}` }
			const at = now()
			const next = nextExecution({ task: { taskId: task.taskId, prompt }, order, route, attempt: tried.length + 1, origin, ids, at })
			return { ...next, statements: [...next.statements, deps.assignments.insert({ taskId: task.taskId, route, executionId: next.executionId, status: 'executing', origin, at })] }
		} catch (error) {
			if (isAppError(error)) return null
			throw error
		}
	}

	/** What to batch and to send so that a new task of the same order makes the change again where it met other work; null when nobody can take it. */
	async function planRemediation(failed: Execution, { prompt, context }: { prompt: string; context: Record<string, unknown> }) {
		const { task, order } = await load(failed.taskId)
		const origin = { workerName: failed.workerName }
		const taskId = ids.task()
		try {
			const route = await deps.route(order, order.provider ?? undefined, [])
			const at = now()
			const next = nextExecution({ task: { taskId, prompt }, order, route, attempt: 1, origin, ids, at })
			const made = insertTask({ taskId, orderId: order.orderId, taskType: task.taskType, prompt, scope: task.scope, parent: { taskId: task.taskId, depth: task.depth, context }, origin, at })
			return { ...next, taskId, statements: [made, ...next.statements, deps.assignments.insert({ taskId, route, executionId: next.executionId, status: 'executing', origin, at })] }
		} catch (error) {
			if (isAppError(error)) return null
			throw error
		}
	}

	async function cancel(executionId: string, reason: string, origin: Origin): Promise<ExecutionView> {
		const execution = await mustFind(executionId)
		if (execution.completedAt !== null) {
			throw new AppError('EXECUTION_NOT_ACTIVE', `Execution ${executionId} is ${execution.status} already; there is nothing to cancel.`)
		}
		const at = now()
		await db.batch([
			requestCancel({ executionId, reason, at }),
			appendLog({ source: 'orchestrator.executions', operation: 'execution.cancel-requested', orderId: execution.orderId, taskId: execution.taskId, executionId, details: { reason }, workerName: origin.workerName, at }),
		])
		await deps.interrupt(execution, reason)
		return toExecutionView(await mustFind(executionId))
	}

	return {
		assign,
		execute,
		planFallback,
		planRemediation,
		cancel,
		mustFind,
		async candidates(taskId: string): Promise<RouteCandidate[]> {
			return deps.candidates((await load(taskId)).order)
		},
		assignmentHistory: (taskId: string) => deps.assignments.ofTask(taskId),
		/** The execution; with `waitMs`, as soon as it is in another phase than `seenPhase`, or when the time is up. */
		async get(executionId: string, { waitMs = 0, seenPhase }: { waitMs?: number | undefined; seenPhase?: string | undefined } = {}): Promise<ExecutionView> {
			const until = now() + waitMs
			let execution = await mustFind(executionId)
			for (let pauseMs = FIRST_PAUSE_MS; execution.phase === seenPhase && execution.completedAt === null && now() < until; pauseMs = Math.min(pauseMs * 1.2, LONGEST_PAUSE_MS)) {
				await deps.sleep(Math.min(pauseMs, until - now()))
				execution = await mustFind(executionId)
			}
			return toExecutionView(execution)
		},
		async list(page: PageRequest): Promise<Page<ExecutionView>> {
			const limit = Math.min(Math.max(page.limit ?? 50, 1), 200)
			const rows = await listExecutions(db, { before: decodeCursor(page.cursor), limit: limit + 1 })
			const { items, nextCursor } = toPage(rows, limit, (execution) => encodeCursor(execution.createdAt, execution.executionId))
			return { items: items.map(toExecutionView), nextCursor }
		},
		async log(executionId: string, page: PageRequest): Promise<Page<LogEntry>> {
			await mustFind(executionId)
			const since = page.cursor === undefined ? 0 : Number(page.cursor)
			if (!Number.isSafeInteger(since) || since < 0) throw new AppError('INVALID_INPUT', 'The log cursor is the `cursor` of a line: a whole number.')
			return readExecutionLog(db, { executionId, since, limit: Math.min(Math.max(page.limit ?? 200, 1), 1000) })
		},
	}
}
export type Executions = ReturnType<typeof createExecutions>
