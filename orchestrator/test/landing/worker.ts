// The landing services behind one door, for the tests that drive them from outside: POST { "call": "workspaces.create", "args": [...] }.
import type { PatchSet } from '@shared/contracts'
import { createDatabase, sql } from '../../worker/database/client.ts'
import { eventsOfPatchSet } from '../../worker/database/repositories/patchEvents.ts'
import { findPatchSet } from '../../worker/database/repositories/patchSets.ts'
import { errorResponse } from '../../worker/http/router.ts'
import { createGitHubCredentials, createGitHubTokenCache } from '../../worker/services/github/githubCredentials.ts'
import { createIds } from '../../worker/services/ids.ts'
import { createBatchSets } from '../../worker/services/patch-manager/batchSets.ts'
import { createPatchBooks } from '../../worker/services/patch-manager/patchBooks.ts'
import { createPatchProcessor } from '../../worker/services/patch-manager/patchProcessor.ts'
import { createRemoteCache } from '../../worker/services/workspaces/remotes.ts'
import { createWorkspaces } from '../../worker/services/workspaces/workspaces.ts'

interface TestEnv {
	DB: D1Database
	OUTPUTS: R2Bucket
	ARTIFACTS: Artifacts
}

const remoteCache = createRemoteCache()
const origin = { workerName: 'landing-test' }

function createCalls(env: TestEnv, requests: string[]) {
	const db = createDatabase(env.DB)
	const now = () => Date.now()
	const ids = createIds((length) => crypto.getRandomValues(new Uint8Array(length)))
	const counted: typeof fetch = (input, init) => {
		requests.push(`${init?.method ?? 'GET'} ${new URL(String(input)).pathname.split('/').at(-1)}`)
		return fetch(input, init)
	}
	const workspaces = createWorkspaces({ db, artifacts: env.ARTIFACTS, now, ids, fetch: counted, remoteCache, credentials: createGitHubCredentials({ cache: createGitHubTokenCache(), fetch, now }) })
	const patches = createPatchProcessor({ db, outputs: env.OUTPUTS, storeFor: (id) => workspaces.store(id), now, workerName: 'landing-test' })
	const patchBooks = createPatchBooks({ db, now, storeFor: (id) => workspaces.store(id) })
	const sets = createBatchSets({ ids, storeFor: (id) => workspaces.store(id), patches, policyOf: workspaces.policy, tripwires: () => [], scopeOf: async () => null })
	return {
		'workspaces.create': (input: { importUrl?: string }) => workspaces.create(input, origin),
		'workspaces.get': workspaces.get,
		'workspaces.list': workspaces.list,
		'workspaces.remote': workspaces.remote,
		readRef: async (workspaceId: string, ref: string) => (await workspaces.store(workspaceId)).readRef(ref),
		async store(set: PatchSet) {
			const { statements, record } = await patches.storeStatements(set, origin)
			await db.batch(statements)
			return record
		},
		/** A row that says to which order and workspace an execution belongs. */
		async execution(executionId: string, orderId: string, workspaceId: string) {
			const input = JSON.stringify({ branch: `factory/${orderId}` })
			const columns = { provider_name: 'codex', provider_type: 'cli', task_uuid: 'TSK-000000000000', input, status: 'landing', phase: 'collect', route: '{}', worker_name: 'landing-test' }
			await db.run(sql.insertInto('ai_provider_executions').values({ execution_id: executionId, order_id: orderId, workspace_id: workspaceId, ...columns, status: 'completed', completed_at: 1 }))
		},
		load: patches.load,
		checkPolicy: (set: PatchSet) => patches.checkPolicy({ subjectId: set.execution_id, patchSetId: set.patch_set_id }, set),
		makeCandidate: patches.makeCandidate,
		advance: patches.advance,
		discard: patches.discard,
		diffOf: patches.diffOf,
		blame: patchBooks.blame,
		reverse: async (id: string, branch: string) => sets.reverse(await sets.landedSet(id), { batchId: 'BAT-1', branch, reason: 'not wanted' }),
		storeBatch: async (set: PatchSet, batch: { batchId: string; workspaceId: string; branch: string }) => void (await db.batch((await patches.storeStatements(set, origin, { batch })).statements)),
		record: (id: string) => findPatchSet(db, id),
		events: (id: string) => eventsOfPatchSet(db, id),
		log: (executionId: string) => db.all(sql.selectFrom('operation_logs').select(['operation', 'details']).where('execution_id', '=', executionId).orderBy('id')),
		forgetWorkspace: (id: string) => db.run(sql.deleteFrom('workspaces').where('id', '=', id)),
		spoilCredentials() {
			for (const [key, remote] of remoteCache.credentials) remoteCache.credentials.set(key, { ...remote, authorization: 'Bearer refused' })
		},
		tamper: (id: string) => db.run(sql.updateTable('patch_sets').set({ body: '{}' }).where('patch_set_id', '=', id)),
	}
}

export default {
	async fetch(request: Request, env: TestEnv): Promise<Response> {
		try {
			const { call, args } = await request.json<{ call: string; args: unknown[] }>()
			const requests: string[] = []
			const calls = new Map(Object.entries(createCalls(env, requests)))
			const run = calls.get(call) as ((...args: unknown[]) => unknown) | undefined
			if (run === undefined) return new Response(`no call ${call}`, { status: 404 })
			const startedAt = Date.now()
			const value = (await run(...args)) ?? null
			return Response.json({ value, ms: Date.now() - startedAt, requests })
		} catch (error) {
			return errorResponse(error)
		}
	},
}
