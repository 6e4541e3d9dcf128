import { ExecutionId, PROVIDER_SECRETS, ProviderName, WorkspaceId } from '@shared/contracts'
import type { ProviderStats } from '@shared/contracts'
import { createLogger } from '@shared/worker-base'
import { parseVars, readSecret } from './env.ts'
import type { Env } from './env.ts'
import { createDatabase } from './database/client.ts'
import type { Database } from './database/client.ts'
import { assignmentsOfTask, insertAssignment } from './database/repositories/assignments.ts'
import { executionStats } from './database/repositories/executions.ts'
import type { Execution } from './database/repositories/executions.ts'
import { forgetKeys } from './database/repositories/idempotencyKeys.ts'
import { closeFootprints } from './database/repositories/footprints.ts'
import { findBatch } from './database/repositories/patchBatches.ts'
import { findOrder, findTask } from './database/repositories/orders.ts'
import type { Order } from './database/repositories/orders.ts'
import { forgetPushes } from './database/repositories/webhookDeliveries.ts'
import { createJulesClient } from './services/ai-providers/jules/julesClient.ts'
import { createJulesHandler } from './services/ai-providers/jules/julesHandler.ts'
import { julesBudget } from './services/ai-providers/jules/julesPlanLimits.ts'
import { watchSettings } from './services/ai-providers/jules/julesWatch.ts'
import { createJulesRawPatches } from './services/ai-providers/jules/julesRawPatches.ts'
import { createJulesWebhook } from './services/ai-providers/jules/julesWebhook.ts'
import { createRegistry } from './services/ai-providers/registry.ts'
import { createProviderRouter } from './services/ai-providers/router.ts'
import type { RouteCriteria } from './services/ai-providers/router.ts'
import { createCollisions } from './services/collisions/collisions.ts'
import { isMergeable } from './services/git/baseTree.ts'
import { createOutputStore } from './services/container-tasks/outputStore.ts'
import { createRedactor } from './services/container-tasks/redact.ts'
import { createTaskQueue } from './services/container-tasks/taskQueue.ts'
import { createContainers } from './services/containers/containers.ts'
import { createPoolSnapshots } from './services/containers/poolSnapshots.ts'
import { withPools } from './services/containers/withPools.ts'
import { createEvents } from './services/events/events.ts'
import { hubOf } from './services/events/hub.ts'
import { createNudge, noNudge } from './services/events/nudge.ts'
import { createDispatcher } from './services/executions/dispatcher.ts'
import { createExecutions } from './services/executions/executions.ts'
import { createLandingSteps } from './services/executions/landingSteps.ts'
import { createLifecycle } from './services/executions/lifecycle.ts'
import { createRemediation } from './services/executions/remediation.ts'
import { createSettlement } from './services/executions/settlement.ts'
import { createTaskListener } from './services/executions/taskListener.ts'
import { createUnclaimed } from './services/executions/unclaimed.ts'
import { createWorkflowPort } from './services/executions/workflowPort.ts'
import { createModelGateway } from './services/gateway/modelGateway.ts'
import { createGitGateway } from './services/git/gitGateway.ts'
import { createGitHubCredentials, createGitHubTokenCache } from './services/github/githubCredentials.ts'
import { createGitHubEvents } from './services/github-events/gitHubEvents.ts'
import { createHumanRequests } from './services/human-requests/humanRequests.ts'
import { createIds } from './services/ids.ts'
import { createOrders } from './services/orders/orders.ts'
import { createBatches } from './services/patch-manager/batches.ts'
import { createBatchSets } from './services/patch-manager/batchSets.ts'
import { createLanding } from './services/patch-manager/landing.ts'
import { createPatchBooks } from './services/patch-manager/patchBooks.ts'
import { candidateRef, createPatchProcessor } from './services/patch-manager/patchProcessor.ts'
import { createOrderPullRequests } from './services/pull-requests/orderPullRequests.ts'
import { createSecretService } from './services/secrets/secretService.ts'
import { sha256Of } from './services/sha256.ts'
import { createTokens } from './services/security/tokens.ts'
import type { Vars } from './services/vars.ts'
import { createWorkspaces } from './services/workspaces/workspaces.ts'
import { createRemoteCache } from './services/workspaces/remotes.ts'
import { TASK_SETTLED } from './workflows/events.ts'

// Git credentials live for an hour and a request for a second: one map an isolate, filled as repositories are used.
const remoteCache = createRemoteCache()
const gitHubTokens = createGitHubTokenCache()
const pendingNudge = noNudge()
const parsed = new WeakMap<Env, Vars>()

function varsOf(env: Env): Vars {
	const known = parsed.get(env)
	if (known) return known
	const vars = parseVars(env)
	parsed.set(env, vars)
	return vars
}

/** The outside of every service: what tests replace. */
function createOutside(env: Env, ctx: Pick<ExecutionContext, 'waitUntil'>) {
	const hub = () => hubOf(env)
	const now = () => Date.now()
	const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
	const waitUntil = (promise: Promise<unknown>) => ctx.waitUntil(promise)
	return {
		env,
		vars: varsOf(env),
		hub,
		db: createDatabase(env.DB, createNudge({ notify: (hasWork) => hub().notify(hasWork), now, sleep, waitUntil, pending: pendingNudge })),
		now,
		ids: createIds((length) => crypto.getRandomValues(new Uint8Array(length))),
		fetch: ((input, init) => fetch(input, init)) as typeof fetch,
		sleep,
		waitUntil,
		log: createLogger({ fields: { worker: 'vibehq-orchestrator' } }),
	}
}
type Outside = ReturnType<typeof createOutside>

/** Who may do what, which keys there are, which providers can work. */
function createFoundation({ env, vars, db, now, fetch }: Outside) {
	const secrets = createSecretService({ readSecret: (name) => readSecret(env, name) })
	const { appId, apiURL, gitURL } = vars.gitHub
	const privateKey = readSecret(env, 'GITHUB_APP_PRIVATE_KEY')
	return {
		secrets,
		gitHub: createGitHubCredentials({
			app: appId === undefined || privateKey === undefined ? undefined : { appId, privateKey },
			token: readSecret(env, 'GITHUB_TOKEN'),
			cache: gitHubTokens,
			fetch,
			baseURL: apiURL,
			gitBaseURL: gitURL,
			now,
		}),
		tokens: createTokens({ key: vars.tokenSigningKey, now }),
		registry: createRegistry({ db, vars, hasSecret: secrets.has, now }),
		workflow: createWorkflowPort(env.TASK_EXECUTION, { settledEvent: TASK_SETTLED, paramsOf: (executionId) => ({ executionId }) }),
		batchWorkflow: createWorkflowPort(env.PATCH_LANDING, { settledEvent: TASK_SETTLED, paramsOf: (batchId) => ({ batchId }) }),
		enqueue: async (message: Parameters<Env['PROVIDER_TASKS']['send']>[0]) => {
			await env.PROVIDER_TASKS.send(message)
		},
	}
}
type Foundation = ReturnType<typeof createFoundation>

/** Repositories, patch sets and the container task queue. */
function createWork(outside: Outside, foundation: Foundation) {
	const { env, vars, db, now, ids } = outside
	const workspaces = createWorkspaces({ db, artifacts: env.ARTIFACTS, now, ids, fetch: outside.fetch, remoteCache, credentials: foundation.gitHub })
	const patches = createPatchProcessor({ db, outputs: env.OUTPUTS, storeFor: workspaces.store, now, workerName: vars.workerName })
	const collisions = createCollisions({
		db,
		now,
		workerName: vars.workerName,
		setOf: async (subjectId) => {
			if (ExecutionId.safeParse(subjectId).success) return patches.ofExecution(subjectId)
			const batch = await findBatch(db, subjectId)
			return batch === undefined ? null : patches.load(batch.patchSetId)
		},
		readBlob: async (workspaceId, blob) => {
			const store = await workspaces.store(workspaceId)
			const bytes = await store.readBlob(blob).finally(() => store.dispose())
			return bytes !== null && isMergeable(bytes) ? bytes : null
		},
	})
	const listener = createTaskListener({
		db,
		mintExecutionToken: ({ executionId, provider, workspaceId, ttlMs }) => foundation.tokens.mint({
				kind: 'execution',
				subject: executionId,
				executionId: ExecutionId.parse(executionId),
				provider: ProviderName.parse(provider),
				workspaceId: WorkspaceId.parse(workspaceId),
				workerName: vars.workerName,
				ttlMs,
			}),
		mintValidationToken: ({ patchSetId, workspaceId, ttlMs }) => foundation.tokens.mint({ kind: 'validation', subject: patchSetId, workspaceId: WorkspaceId.parse(workspaceId), workerName: vars.workerName, ttlMs }),
		upstream: vars.upstream,
		secrets: foundation.secrets,
		statusOf: foundation.registry.status,
		storeStatements: patches.storeStatements,
		nudge: foundation.workflow.nudge,
		nudgeBatch: foundation.batchWorkflow.nudge,
		observe: (execution, files) => collisions.observe(subjectOf(execution, execution.baseCommit), files),
	})
	const containers = createContainers({ db, now, pools: vars.pools, workerName: vars.workerName, poolOf: (workerName) => env.CONTAINER_POOL.getByName(workerName), containerOf: (platformName) => env.AGENT_CONTAINER?.getByName(platformName) ?? null, snapshots: createPoolSnapshots(env.POOL_SNAPSHOTS) })
	const queue = withPools(
		createTaskQueue({ db, now, ids, sleep: outside.sleep, waitUntil: outside.waitUntil, leaseMs: vars.leaseMs, outputs: createOutputStore(env.OUTPUTS), listener, redact: createRedactor(foundation.secrets.values) }),
		(workerNames) => outside.waitUntil(containers.nudge(workerNames)),
	)
	// Executions and batches have Workflows of their own; the id says which one waits.
	const human = createHumanRequests({ db, now, ids, nudge: (subjectId) => (ExecutionId.safeParse(subjectId).success ? foundation.workflow : foundation.batchWorkflow).nudge(subjectId) })
	const tripwires = () => foundation.secrets.values()
	const scopeOf = async (taskId: string) => (await findTask(db, taskId))?.scope ?? null
	const landing = createLanding({ patches, queue, human, policyOf: workspaces.policy, tripwires })
	const sets = createBatchSets({ ids, storeFor: workspaces.store, patches, policyOf: workspaces.policy, tripwires, scopeOf })
	const batches = createBatches({ db, now, ids, sleep: outside.sleep, patches, sets, landing, queue, workflow: foundation.batchWorkflow, collisions, ownerOf: workspaces.ownerOf })
	const patchBooks = createPatchBooks({ db, now, storeFor: workspaces.store })
	return { workspaces, patches, queue, human, landing, batches, patchBooks, collisions, containers, scopeOf }
}
type Work = ReturnType<typeof createWork>

/** Executions from routing to settlement. */
function createExecutionServices(outside: Outside, foundation: Foundation, { workspaces, patches, queue, human, landing, collisions, scopeOf }: Work) {
	const { db, now, ids, vars } = outside
	const { registry, workflow, enqueue } = foundation
	const router = createProviderRouter({ registry, now })
	const cancelContainerTask = async (containerTaskId: string, reason: string) => {
		await queue.cancel(containerTaskId, reason).catch((error: unknown) => outside.log.info('nothing to cancel', { containerTaskId, error: String(error) }))
	}
	const discardCandidate = async ({ executionId, workspaceId, patchSetId, candidateCommit, input }: Execution, reason: string) => {
		if (patchSetId === null || candidateCommit === null) return
		await patches.discard({ subjectId: executionId, patchSetId, workspaceId, branch: input.branch }, { commit: candidateCommit, ref: candidateRef(executionId) }, { reason })
	}
	/** Only Jules asks whether a workspace is empty, so without its key nobody looks. A host that is away is no reason to route to nobody. */
	const criteriaOf = async (order: Order): Promise<RouteCriteria> => {
		const asks = foundation.secrets.has(PROVIDER_SECRETS.jules) && order.workspaceRef.kind !== 'github' && order.workspaceId !== null
		return toCriteria(order, asks && (await workspaces.isEmpty(order.workspaceId ?? '', order.branch).catch(() => false)))
	}
	const executions = createExecutions({
		db,
		now,
		ids,
		sleep: outside.sleep,
		route: async (order, preferred, exclude) => router.decide({ ...(await criteriaOf(order)), manualOverride: preferred, exclude }),
		candidates: async (order) => router.candidates(await criteriaOf(order)),
		diffOf: patches.diffOfSet,
		assignments: { insert: insertAssignment, ofTask: (taskId) => assignmentsOfTask(db, taskId) },
		enqueue,
		interrupt: async (execution, reason) => {
			if (execution.containerTaskId !== null) await cancelContainerTask(execution.containerTaskId, reason)
			await workflow.nudge(execution.executionId)
		},
	})
	const planRemediation = createRemediation({ taskOf: (taskId) => findTask(db, taskId), diffOf: patches.diffOfSet, plan: executions.planRemediation })
	const settlement = createSettlement({ db, now, mustFind: executions.mustFind, planFallback: executions.planFallback, planRemediation, enqueue, health: registry, cancelContainerTask, discardCandidate,
		closeFootprints: (executionId) => [closeFootprints({ subjectId: executionId, at: now() })],
		releaseWaiting: async (executionId) => {
			const { items } = await collisions.list({ subjectId: executionId })
			const waiting = items.filter(({ answer }) => answer === 'ordered').flatMap(({ subjectIds }) => subjectIds.filter((id) => id !== executionId))
			await Promise.all([...new Set(waiting)].map(workflow.nudge))
		},
	})
	const noteSet = async (execution: Execution, patchSetId: string) => collisions.record(subjectOf(execution, execution.baseCommit), await patches.load(patchSetId))
	const lifecycle = createLifecycle({
		db,
		now,
		ids,
		mustFind: executions.mustFind,
		storeOf: workspaces.store,
		repositoryOf: async (workspaceId) => {
			const { kind, defaultBranch } = await workspaces.get(workspaceId)
			return { defaultBranch, isOnGitHub: kind === 'github' }
		},
		readAhead: (workspaceId, commit) =>
			outside.waitUntil(
				workspaces
					.store(workspaceId)
					.then((store) => store.readAhead(commit, []).finally(() => store.dispose()))
					.catch(() => undefined),
			),
		queue,
		foresee: async (execution, baseCommit) => {
			const subject = subjectOf(execution, baseCommit)
			const scope = (await findTask(db, execution.taskId))?.scope ?? null
			if (scope !== null) await collisions.declare(subject, scope)
			await collisions.guess(subject, execution.input.prompt)
			return (await collisions.forecast(execution.executionId)).waitFor
		},
		noteSet,
		priorityOf: async ({ orderId }) => PRIORITY[(await findOrder(db, orderId))?.priority ?? 'medium'],
	})
	const landingSteps = createLandingSteps({ db, now, mustFind: executions.mustFind, landing, scopeOf })
	const pullRequests = createOrderPullRequests({
		db,
		now,
		mustFind: executions.mustFind,
		placeOf: workspaces.githubOf,
		clientFor: (place) => foundation.gitHub.clientFor(place, 'write'),
		summaryOf: async (patchSetId) => (await patches.load(patchSetId)).summary,
		publicURL: vars.publicURL,
	})
	const dispatcher = createDispatcher({ db, now, workflow, enqueue, fail: settlement.fail, messageOf, workerName: vars.workerName })
	const julesRawPatches = createJulesRawPatches(outside.env.OUTPUTS)
	const jules = createJulesHandler({
		db, now, ids, human, noteSet,
		mustFind: executions.mustFind,
		client: async () => {
			const baseURL = (await registry.upstreamURL('jules')) ?? ''
			return createJulesClient({ fetch: outside.fetch, apiKey: foundation.secrets.resolve(PROVIDER_SECRETS.jules), baseURL, sleep: outside.sleep, now })
		},
		budget: julesBudget(vars.jules.plan),
		settings: watchSettings(vars.jules.pollMs),
		asksPlanApproval: async (workspaceId) => ((await workspaces.policy(workspaceId)).planApproval ?? vars.jules.planApproval) === 'ask',
		githubOf: workspaces.githubOf,
		storeOf: workspaces.store,
		storeStatements: patches.storeStatements,
		rawPatches: julesRawPatches,
		answerTtlOf: async (workspaceId) => (await workspaces.policy(workspaceId)).approvalTtlMs,
	})
	const julesWebhook = createJulesWebhook({ db, now, readSecret: (name) => readSecret(outside.env, name), nudge: workflow.nudge, workerName: vars.workerName })
	return { executions, settlement, lifecycle, landingSteps, jules, julesRawPatches, julesWebhook, pullRequests, dispatcher, unclaimed: createUnclaimed({ db, now }) }
}

/** What the doors of container tasks and containers need: a part of all, because their calls are many and short. */
export function createWorkServices(env: Env, ctx: Pick<ExecutionContext, 'waitUntil'>): Work {
	const outside = createOutside(env, ctx)
	return createWork(outside, createFoundation(outside))
}

/** Everything behind the doors, made anew for each request: one typed object. */
export function createServices(env: Env, ctx: Pick<ExecutionContext, 'waitUntil'>) {
	const outside = createOutside(env, ctx)
	const foundation = createFoundation(outside)
	const work = createWork(outside, foundation)
	const running = createExecutionServices(outside, foundation, work)
	const { db, now, ids, vars, sleep, waitUntil, log } = outside
	const { tokens, secrets, registry } = foundation
	const orders = createOrders({
		db,
		now,
		ids,
		digest: sha256Of,
		openWorkspace: async ({ workspace }, origin, workspaceId) => {
			if (workspace.kind === 'github') return (await work.workspaces.openGitHub(workspace, origin)).workspaceId
			if ('workspaceId' in workspace) return (await work.workspaces.get(workspace.workspaceId)).workspaceId
			return (await work.workspaces.create({ ...workspace, workspaceId }, origin)).workspaceId
		},
		execute: running.executions.execute,
	})
	const gitHubEvents = createGitHubEvents({
		db, now, orders,
		secrets: () => ['GITHUB_WEBHOOK_SECRET', 'GITHUB_WEBHOOK_SECRET_OLD'].flatMap((name) => readSecret(env, name) ?? []),
		clientFor: foundation.gitHub.clientFor,
		publicURL: vars.publicURL,
		workerName: vars.workerName,
	})
	const gateway = createModelGateway({
		db, tokens, secrets, fetch: outside.fetch, now, sleep, waitUntil, log,
		baseURLOf: registry.upstreamURL,
		workerName: vars.workerName,
		headerTimeoutMs: vars.upstreamHeaderTimeoutMs,
	})
	return {
		vars, tokens, registry, orders, gateway, gitHubEvents, ...work, ...running,
		gitGateway: createGitGateway({ resolveRemote: work.workspaces.remote, fetch: outside.fetch }),
		events: createEvents({ db, hub: outside.hub }),
		stats: () => providerStats(db),
		housekeeping: { forget: () => db.batch([forgetKeys(now() - 3 * DAY_MS), forgetPushes(now() - 7 * DAY_MS)]) },
	}
}
export type Services = ReturnType<typeof createServices>

const subjectOf = ({ executionId, workspaceId, input }: Execution, baseCommit: string | null) => ({ subjectId: executionId, workspaceId, branch: input.branch, baseCommit })

const DAY_MS = 86_400_000
const PRIORITY = { low: -10, medium: 0, high: 10, critical: 20 } as const

function toCriteria(order: Order, isEmpty: boolean): RouteCriteria {
	const { workspaceRef } = order
	const sourceContext = workspaceRef.kind === 'github' ? { isGitHub: true, repoName: workspaceRef.repo, branchName: workspaceRef.branch } : { isGitHub: false, isEmpty }
	return { taskType: order.taskType, sourceContext, priority: order.priority, costProfile: order.costProfile, preferredModel: order.preferredModel ?? undefined }
}

const messageOf = (execution: Execution) => ({
	task_id: execution.taskId,
	execution_id: execution.executionId,
	provider: execution.provider,
	factory: execution.input.factory ?? execution.workerName,
	cli_command: [execution.provider],
	env_vars: [PROVIDER_SECRETS[execution.provider]],
})

async function providerStats(db: Database): Promise<ProviderStats[]> {
	const rows = await executionStats(db)
	const names = [...new Set(rows.map((row) => row.provider_name))]
	return names.map((name) => {
		const own = rows.filter((row) => row.provider_name === name)
		const count = (status?: string) => own.filter((row) => status === undefined || row.status === status).reduce((sum, row) => sum + row.count, 0)
		const timed = own.filter((row) => row.average_ms !== null)
		const timedCount = timed.reduce((sum, row) => sum + row.count, 0)
		return {
			provider: name as ProviderStats['provider'],
			executions: count(),
			completed: count('completed'),
			failed: count('failed'),
			cancelled: count('cancelled'),
			averageDurationMs: timedCount === 0 ? null : timed.reduce((sum, row) => sum + (row.average_ms ?? 0) * row.count, 0) / timedCount,
			costUsd: own.reduce((sum, row) => sum + Number(row.cost_micro_usd ?? 0), 0) / 1e6,
		}
	})
}
