import { createRoute, z } from '@hono/zod-openapi'
import { AppError, ApplyRequest, BlameView, MAX_PATCH_SET_BYTES, PatchEvent, PatchResult, PatchSet, PatchSetSummary, PatchStatus, RollbackRequest } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import { bodyLimit } from '@shared/worker-base'
import type { Requester } from '../services/patch-manager/batches.ts'
import { authenticated } from './auth.ts'
import { jsonBody, originOf, PageQuery, pageOf, writing } from './common.ts'
import { answers, createRouter } from './router.ts'

/** A set and what is said about it. */
const SETS_BYTES = MAX_PATCH_SET_BYTES + 256 * 1024

const apply = createRoute({
	method: 'post',
	path: '/api/patches/apply',
	operationId: 'applyPatches',
	summary: 'Land patches without an agent, or a kept patch set once more; waits for the end up to `options.waitMs`',
	middleware: writing(SETS_BYTES),
	request: { body: jsonBody(ApplyRequest) },
	responses: answers(200, PatchResult, 'What became of the batch; a refusal of the patches is in it'),
})

const status = createRoute({
	method: 'get',
	path: '/api/patches/{batchId}/status',
	operationId: 'getPatchStatus',
	middleware: [authenticated('read')] as const,
	request: { params: z.object({ batchId: z.string().max(200) }) },
	responses: answers(200, PatchStatus, 'How the batch goes'),
})

const rollback = createRoute({
	method: 'post',
	path: '/api/patches/rollback',
	operationId: 'rollbackPatch',
	summary: 'Take back exactly one batch, patch set or execution, and keep what came later',
	middleware: writing(64 * 1024),
	request: { body: jsonBody(RollbackRequest) },
	responses: answers(200, PatchResult, 'The undo, which is a batch of its own'),
})

const events = createRoute({
	method: 'post',
	path: '/api/patches/events',
	operationId: 'reportPatchEvent',
	summary: 'What a Patch Manager did; a repeated event is kept once',
	middleware: [authenticated('patch:report'), bodyLimit(256 * 1024)] as const,
	request: { body: jsonBody(PatchEvent) },
	responses: answers(202, z.object({ accepted: z.literal(true) }), 'The event is kept'),
})

const history = createRoute({
	method: 'get',
	path: '/api/patches/history',
	operationId: 'listPatchSets',
	summary: 'Every patch set that was stored for a workspace or an order, newest first, whatever became of it',
	middleware: [authenticated('read')] as const,
	request: { query: PageQuery.extend({ workspaceId: z.string().max(100).optional(), orderId: z.string().max(100).optional() }) },
	responses: answers(200, pageOf(PatchSetSummary), 'A page of patch sets'),
})

const patchSetId = z.object({ patchSetId: z.string().max(200) })

const set = createRoute({
	method: 'get',
	path: '/api/patches/sets/{patchSetId}',
	operationId: 'getStoredPatchSet',
	summary: 'A patch set as JSON, or as a unified diff with `Accept: text/x-diff`',
	middleware: [authenticated('patch:read')] as const,
	request: { params: patchSetId },
	responses: answers(200, PatchSet, 'The set as it was stored'),
})

const PatchSetBooks = z.object({
	patchSet: PatchSetSummary.nullable(),
	events: z.array(z.object({ event: z.string(), status: z.string(), metadata: z.record(z.string(), z.unknown()), workerName: z.string(), at: z.int() })),
})

const setEvents = createRoute({
	method: 'get',
	path: '/api/patches/sets/{patchSetId}/events',
	operationId: 'getPatchSetEvents',
	summary: 'All that happened to a patch set, with the evidence',
	middleware: [authenticated('read')] as const,
	request: { params: patchSetId },
	responses: answers(200, PatchSetBooks, 'The set without its content, and its events, oldest first'),
})

const blame = createRoute({
	method: 'get',
	path: '/api/workspaces/{workspaceId}/blame',
	operationId: 'blameFile',
	summary: 'Which patch set wrote which line of a file as it stands',
	middleware: [authenticated('read')] as const,
	request: { params: z.object({ workspaceId: z.string().max(100) }), query: z.object({ path: z.string().min(1).max(4096), branch: z.string().min(1).max(200) }) },
	responses: answers(200, BlameView, 'Runs of lines with their writer'),
})

const requesterOf = (principal: Principal): Requester => ({ ...originOf(principal), isOperator: principal.scopes.includes('admin') })

/** An execution's token reads its own set, a validation's the one that it is about. */
function checkReader(principal: Principal, { executionId, patchSetId: id }: { executionId: string | null; patchSetId: string }): void {
	const isOther = (principal.kind === 'execution' && principal.executionId !== executionId) || (principal.kind === 'validation' && principal.subject !== id)
	if (isOther) throw new AppError('FORBIDDEN', 'This token reads the patch set that it was made for, and no other.')
}

export function patchRoutes() {
	return createRouter()
		.openapi(apply, async (c) => {
			const { options = {}, ...batch } = c.req.valid('json')
			return c.json(await c.var.services.batches.apply(batch, options, requesterOf(c.get('principal'))), 200)
		})
		.openapi(history, async (c) => c.json(await c.var.services.patchBooks.history(c.req.valid('query')), 200))
		.openapi(rollback, async (c) => {
			const { rollbackId, reason } = c.req.valid('json')
			return c.json(await c.var.services.batches.rollback(rollbackId, reason, requesterOf(c.get('principal'))), 200)
		})
		.openapi(events, async (c) => {
			const principal = c.get('principal')
			return c.json(await c.var.services.patchBooks.report(c.req.valid('json'), { ...originOf(principal), subject: `${principal.kind}:${principal.subject}` }), 202)
		})
		.openapi(status, async (c) => c.json(await c.var.services.batches.status(c.req.valid('param').batchId, requesterOf(c.get('principal'))), 200))
		.openapi(set, async (c) => {
			const { patches } = c.var.services
			const record = await patches.mustFind(c.req.valid('param').patchSetId)
			checkReader(c.get('principal'), record)
			if (c.req.header('accept')?.includes('text/x-diff')) {
				return c.body(await patches.diffOfSet(record.patchSetId), 200, { 'content-type': 'text/x-diff; charset=utf-8' }) as never
			}
			return c.json(await patches.load(record.patchSetId), 200)
		})
		.openapi(setEvents, async (c) => c.json(await c.var.services.patchBooks.one(c.req.valid('param').patchSetId), 200))
		.openapi(blame, async (c) => c.json(await c.var.services.patchBooks.blame({ ...c.req.valid('param'), ...c.req.valid('query') }), 200))
}
