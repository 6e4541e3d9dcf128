// For tests only: the handler on a real D1, with a session in the cloud that only the test moves.
import { env } from 'cloudflare:workers'
import type { OrderInput } from '@shared/contracts'
import { createMemoryStore } from '../../../../../test/landing/memoryStore.ts'
import { createTestServices, ORDER, ORIGIN } from '../../../../../test/support/services.ts'
import { createDatabase, sql } from '../../../../database/client.ts'
import { changeExecution } from '../../../../database/repositories/executions.ts'
import { readExecutionLog } from '../../../../database/repositories/operationLogs.ts'
import { createHumanRequests } from '../../../human-requests/humanRequests.ts'
import { createPatchProcessor } from '../../../patch-manager/patchProcessor.ts'
import type { JulesClient } from '../julesClient.ts'
import type { JulesHandlerDeps } from '../julesContext.ts'
import { createJulesHandler } from '../julesHandler.ts'
import { createJulesRawPatches } from '../julesRawPatches.ts'
import type { JulesActivity, JulesArtifact, JulesEvent, JulesOutput, JulesState } from '../julesTypes.ts'
import { watchSettings } from '../julesWatch.ts'

export const MINUTE = 60_000

/** A diff of a file with one line that is new. */
export const newFile = (path: string, line: string) => `diff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${line}\n`

export const changeSet = (unidiffPatch: string, baseCommitId: string | null = null): JulesOutput & JulesArtifact => ({
	kind: 'changeSet',
	changeSet: { source: null, unidiffPatch, baseCommitId, suggestedCommitMessage: 'Made by Jules' },
})

let sessions = 0

/** A session that stands still until it is moved, and what was asked of it. */
function createCloud(now: () => number) {
	sessions += 1
	const activities: JulesActivity[] = []
	const calls: unknown[][] = []
	const session = { id: String(9000 + sessions), title: '', state: 'IN_PROGRESS' as JulesState, stateName: 'IN_PROGRESS', url: 'https://jules.google.com/session/314', archived: false, createdAt: 0, outputs: [] as JulesOutput[] }
	const fails: { create: Error | null; read: Error | null } = { create: null, read: null }
	const reading = <T>(value: T): T => {
		if (fails.read !== null) throw fails.read
		return value
	}
	const client: JulesClient = {
		findSource: async ({ owner, repo }) => (owner === 'nobody' ? { isConnected: false, message: 'It is not connected.' } : { isConnected: true, source: { name: `sources/github/${owner}/${repo}`, owner, repo, defaultBranch: 'main', branches: [] } }),
		createSession: async (input) => {
			calls.push(['create', input])
			if (fails.create !== null) throw fails.create
			return { session: { ...session, state: 'QUEUED' }, isNew: true, duplicateIds: [] }
		},
		getSession: async () => reading({ ...session }),
		listActivities: async ({ after }) => reading({ activities: activities.slice(after?.at ?? 0), next: { at: activities.length, seenIds: [] } }),
		getActivity: async ({ activity }) => activities.find(({ id }) => id === activity) ?? Promise.reject(new Error('no such activity')),
		approvePlan: async () => void calls.push(['approvePlan']),
		sendMessage: async (_id, text) => void calls.push(['sendMessage', text]),
		archiveSession: async () => void calls.push(['archive']),
		deleteSession: async () => void calls.push(['delete']),
	}
	return {
		client,
		calls,
		fails,
		callsOf: (name: string) => calls.filter(([each]) => each === name),
		/** Goes on to this state, with what is listed then. */
		move(state: JulesState, { events = [], outputs = session.outputs }: { events?: { event: JulesEvent; artifacts?: JulesArtifact[]; by?: string }[]; outputs?: JulesOutput[] } = {}) {
			Object.assign(session, { state, stateName: state, outputs })
			for (const { event, artifacts = [], by = 'agent' } of events) activities.push({ id: `a${activities.length}`, at: now(), originator: by, description: '', artifacts, event })
		},
	}
}

export interface FixtureOptions extends Partial<Pick<JulesHandlerDeps, 'budget' | 'asksPlanApproval' | 'githubOf' | 'answerTtlOf'>> {
	files?: Record<string, string>
	order?: Partial<OrderInput>
	/** The state of an earlier fixture of the same test, whose sessions count. */
	beside?: { clock: { at: number } }
}

/** An execution of Jules whose base is pinned, ready to be started. */
export async function createJulesFixture({ files = {}, order = { provider: 'jules' }, beside, ...more }: FixtureOptions = {}) {
	const clock = beside?.clock ?? { at: 1_800_000_000_000 }
	const now = () => clock.at
	const db = createDatabase(env.DB)
	if (beside === undefined) await db.batch([sql.deleteFrom('jules_sessions'), sql.deleteFrom('ai_provider_configs')])
	const memory = createMemoryStore()
	const base = await memory.addCommit(await memory.addTree(files))
	memory.refs.set('refs/heads/main', base)
	const services = createTestServices({ keys: ['JULES_API_KEY', 'CODEX_API_KEY'], now, isEmpty: true })
	const { executionId, orderId, taskId } = await services.orders.create({ ...ORDER, ...order }, ORIGIN)
	const id = executionId ?? ''
	await db.run(changeExecution({ executionId: id, at: now(), change: { status: 'running', base_commit: base } }))
	const cloud = createCloud(now)
	const human = createHumanRequests({ db, now, ids: services.ids, nudge: async () => undefined })
	const patches = createPatchProcessor({ db, outputs: env.OUTPUTS, storeFor: async () => memory.store, now, workerName: 'orchestrator' })
	const handler = createJulesHandler({
		db, now, human,
		ids: services.ids,
		mustFind: services.executions.mustFind,
		client: async () => cloud.client,
		budget: { perDay: 10, concurrent: 10 },
		settings: watchSettings(MINUTE),
		asksPlanApproval: async () => false,
		githubOf: async () => null,
		storeOf: async () => memory.store,
		storeStatements: patches.storeStatements,
		rawPatches: createJulesRawPatches(env.OUTPUTS),
		answerTtlOf: async () => 60 * MINUTE,
		noteSet: async () => undefined,
		...more,
	})
	const log = async () => (await readExecutionLog(db, { executionId: id, since: 0, limit: 1000 })).items
	return {
		...services, db, clock, memory, base, cloud, human, patches, executionId: id, orderId, taskId, log,
		start: () => handler.start(id),
		look: () => handler.look(id),
		/** Lets this time pass and looks. */
		lookAfter(minutes: number) {
			clock.at += minutes * MINUTE
			return handler.look(id)
		},
		collect: (failure: Parameters<typeof handler.collect>[1] = null) => handler.collect(id, failure),
		execution: () => services.executions.mustFind(id),
		linesOf: async (operation: string) => (await log()).filter((line) => line.operation === operation),
		asked: async () => (await human.ofSubject(id)).map(({ kind, status }) => `${kind} ${status}`),
		async decide(decision: 'approve' | 'reject', answer?: string) {
			const request = (await human.ofSubject(id)).find(({ status }) => status === 'pending')
			if (request === undefined) throw new Error('nothing is asked')
			return human.decide(request.requestId, { decision, digest: request.digest, ...(answer === undefined ? {} : { answer }), ...(decision === 'reject' ? { reason: 'not so' } : {}) }, { ...ORIGIN, person: 'somebody' })
		},
	}
}
