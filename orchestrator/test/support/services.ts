import { env } from 'cloudflare:workers'
import { ContainerTask, ContainerTaskId, WorkspaceId } from '@shared/contracts'
import type { ProviderTaskMessage } from '@shared/contracts'
import { createDatabase } from '../../worker/database/client.ts'
import { assignmentsOfTask, insertAssignment } from '../../worker/database/repositories/assignments.ts'
import { findTask } from '../../worker/database/repositories/orders.ts'
import { createRegistry } from '../../worker/services/ai-providers/registry.ts'
import { createProviderRouter } from '../../worker/services/ai-providers/router.ts'
import { createExecutions } from '../../worker/services/executions/executions.ts'
import { createRemediation } from '../../worker/services/executions/remediation.ts'
import { createSettlement } from '../../worker/services/executions/settlement.ts'
import { createIds } from '../../worker/services/ids.ts'
import { createOrders } from '../../worker/services/orders/orders.ts'
import { sha256Of } from '../../worker/services/sha256.ts'

export const WORKSPACE = WorkspaceId.parse('wsp-0000000000ab')
export const ORIGIN = { workerName: 'test-worker' }

/** Orders, executions and settlement on a real D1; what lies beyond (queue, repositories, containers) is recorded. */
export function createTestServices(options: { keys?: string[]; now?: () => number; isEmpty?: boolean; diffOf?: (patchSetId: string) => Promise<string> } = {}) {
	const { keys = ['CODEX_API_KEY', 'CLAUDE_API_KEY', 'GEMINI_API_KEY'], now = () => Date.now() } = options
	const db = createDatabase(env.DB)
	const ids = createIds((length) => crypto.getRandomValues(new Uint8Array(length)))
	const sent: ProviderTaskMessage[] = []
	const interrupted: string[] = []
	const queueState = { isDown: false }
	const registry = createRegistry({ db, vars: { upstream: 'real', providerBaseURLs: {}, providerModes: {}, workerName: 'test' }, hasSecret: (name) => keys.includes(name), now })
	const router = createProviderRouter({ registry, now })
	const enqueue = async (message: ProviderTaskMessage) => {
		if (queueState.isDown) throw new Error('the queue is down')
		sent.push(message)
	}
	const criteria = (order: { taskType: 'fix' | 'generate' | 'refactor' | 'optimize'; priority: 'low' | 'medium' | 'high' | 'critical'; costProfile: 'economy' | 'balanced' | 'performance' }) => ({
		taskType: order.taskType, priority: order.priority, costProfile: order.costProfile, sourceContext: { isGitHub: false, isEmpty: options.isEmpty },
	})
	const executions = createExecutions({
		db, now, ids, enqueue,
		sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
		route: (order, manualOverride, exclude) => router.decide({ ...criteria(order), manualOverride, exclude }),
		diffOf: options.diffOf ?? (async () => 'diff --git a/f b/f\n'),
		candidates: (order) => router.candidates(criteria(order)),
		assignments: { insert: insertAssignment, ofTask: (taskId) => assignmentsOfTask(db, taskId) },
		interrupt: async (execution) => void interrupted.push(execution.executionId),
	})
	const planRemediation = createRemediation({ taskOf: (taskId) => findTask(db, taskId), diffOf: async () => 'diff --git a/f b/f\n', plan: executions.planRemediation })
	const cancelledTasks: string[] = []
	const settlement = createSettlement({ db, now, enqueue, mustFind: executions.mustFind, planFallback: executions.planFallback, planRemediation, health: registry, cancelContainerTask: async (id) => void cancelledTasks.push(id), discardCandidate: async () => undefined, closeFootprints: () => [], releaseWaiting: async () => undefined })
	const orders = createOrders({
		db, now, ids,
		digest: sha256Of,
		openWorkspace: async () => WORKSPACE,
		execute: executions.execute,
	})
	return { db, ids, registry, orders, executions, settlement, sent, interrupted, cancelledTasks, queueState }
}

export const ORDER = { prompt: 'Fix the adder', taskType: 'fix', workspace: { kind: 'hosted' } } as const

/** A container task in any state, for what only reads one. */
export function containerTask(change: Partial<ContainerTask> = {}): ContainerTask {
	return ContainerTask.parse({
		taskId: ContainerTaskId.parse('CTK-0000000000000000'), workerName: 'w', containerName: null, taskType: 'agent-run', status: 'completed', outcome: null,
		priority: 0, command: [], parameters: {}, requires: null, executionId: null, assignedTo: 'w:c', attempt: 1, maxAttempts: 3, timeoutMs: 1000, leaseExpiresAt: null,
		output: null, error: null, createdAt: 1, assignedAt: 1, startedAt: 1, completedAt: 2, ...change,
	})
}

