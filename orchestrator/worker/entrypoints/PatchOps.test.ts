import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { OrderId, OrderRequest, TaskId, WorkspaceId } from '@shared/contracts'
import type { AIPatch } from '@shared/contracts'
import { beforeAll, expect, it } from 'vitest'
import { createDatabase } from '../database/client.ts'
import { insertOrder } from '../database/repositories/orders.ts'
import { insertBatch } from '../database/repositories/patchBatches.ts'
import { insertWorkspace } from '../database/repositories/workspaces.ts'
import type { Env } from '../env.ts'
import { PatchOps } from './PatchOps.ts'

/** The entrypoint as the binding of a Worker reaches it. */
const bound = (props: object) => new PatchOps(Object.assign(createExecutionContext(), { props }), env as unknown as Env)
const factory = bound({ workerName: 'agent-factory' })
const stranger = bound({ workerName: 'stranger' })

const workspaceId = WorkspaceId.parse('wsp-0000000000aa')
const baseCommit = 'a'.repeat(40)
const patch: AIPatch = { task_id: 't', file: 'a', operation: 'append', block: 'x', metadata: { provider: 'person' } }
const batch = { workspaceId, baseCommit, patches: [patch] }

const OWN_ORDER = OrderId.parse('ORD-00000A')
const FOREIGN_ORDER = OrderId.parse('ORD-00000B')

beforeAll(async () => {
	const db = createDatabase(env.DB)
	const input = { validate: [], message: 'm', validateOnly: false, requester: null, reason: null }
	const orderIn = (orderId: OrderId, place: string, taskId: string) =>
		insertOrder({ orderId, taskId: TaskId.parse(taskId), request: OrderRequest.parse({ prompt: 'x', workspace: { kind: 'hosted' } }), workspaceId: WorkspaceId.parse(place), origin: { workerName: 'w' }, at: 1 })
	await db.batch([
		...orderIn(OWN_ORDER, workspaceId, 'TSK-00000000000A'),
		...orderIn(FOREIGN_ORDER, 'wsp-0000000000bb', 'TSK-00000000000B'),
		insertWorkspace({ workspaceId, kind: 'hosted', repository: workspaceId, defaultBranch: 'main', importUrl: null, createdAt: 1 }, { workerName: 'agent-factory' }),
		insertBatch({ batchId: 'of-the-factory', kind: 'apply', patchSetId: 'PST-0', workspaceId, branch: 'factory/x', orderId: null, requestHash: 'h', input }, { origin: { workerName: 'agent-factory' }, at: Date.now() }),
	])
})

it.each([
	['a workspace of another Worker', () => stranger.applyPatches(batch), 'WORKSPACE_NOT_FOUND'],
	['a branch that is not of the factory', () => factory.applyPatches({ ...batch, branch: 'main' }), 'FORBIDDEN'],
	['the branch of an order that works elsewhere', () => factory.applyPatches({ ...batch, branch: `factory/${FOREIGN_ORDER}` }), 'ORDER_NOT_FOUND'],
	['an order that works elsewhere', () => factory.applyPatches({ ...batch, orderId: FOREIGN_ORDER }), 'ORDER_NOT_FOUND'],
	['an order that is not there', () => factory.applyPatches({ ...batch, orderId: OrderId.parse('ORD-00000C') }), 'ORDER_NOT_FOUND'],
	['patches without a base for its own order', () => factory.applyPatches({ workspaceId, patches: [patch], orderId: OWN_ORDER, branch: `factory/${OWN_ORDER}` }), 'PATCH_BASE_REQUIRED'],
	['patches without a base', () => factory.applyPatches({ workspaceId, patches: [patch] }), 'PATCH_BASE_REQUIRED'],
	['neither patches nor a set', () => factory.applyPatches({ workspaceId }), 'INVALID_INPUT'],
	['something else', () => factory.applyPatches('everything' as never), 'INVALID_INPUT'],
	['nothing', () => factory.applyPatches(undefined as never), 'INVALID_INPUT'],
	['options that are not known', () => factory.applyPatches(batch, { force: true } as never), 'INVALID_INPUT'],
	['a batch id of another request', () => factory.applyPatches({ ...batch, batchId: 'of-the-factory' }), 'IDEMPOTENCY_CONFLICT'],
	['a set that is not there', () => factory.applyPatches({ workspaceId, patchSetId: 'PST-0000000000000000' as never }), 'PATCH_NOT_FOUND'],
	['the status of an unknown batch', () => factory.getPatchStatus('nothing'), 'PATCH_BATCH_NOT_FOUND'],
	['the status of a batch of another Worker', () => stranger.getPatchStatus('of-the-factory'), 'PATCH_BATCH_NOT_FOUND'],
	['a rollback of nothing', () => factory.rollbackPatch('nothing'), 'PATCH_NOT_FOUND'],
	['a rollback without a name', () => factory.rollbackPatch(7 as never), 'INVALID_INPUT'],
])('ORCHESTRATOR_PATCH refuses %s', async (_, call, code) => {
	await expect(call()).rejects.toMatchObject({ code })
})
