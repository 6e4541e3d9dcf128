import { BaseWorkerEntrypoint, callerOf } from '@shared/worker-base'
import type { PatchBatchInput, PatchOptionsInput, PatchResult, PatchRpc, PatchStatus } from '@shared/contracts'
import { RollbackRequest } from '@shared/contracts'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'
import { parseInput } from './parseInput.ts'

/** Binding ORCHESTRATOR_PATCH: patches without an agent, on the factory's own branches. */
export class PatchOps extends BaseWorkerEntrypoint<Env> implements PatchRpc {
	readonly #services = createServices(this.env, this.ctx)

	async applyPatches(batch: PatchBatchInput, options: PatchOptionsInput = {}): Promise<PatchResult> {
		return this.#services.batches.apply(batch, options, { ...callerOf(this.ctx), isOperator: false })
	}
	async getPatchStatus(batchId: string): Promise<PatchStatus> {
		return this.#services.batches.status(String(batchId), { ...callerOf(this.ctx), isOperator: false })
	}
	async rollbackPatch(rollbackId: string, reason?: string): Promise<PatchResult> {
		const request = parseInput(RollbackRequest, { rollbackId, ...(reason === undefined ? {} : { reason }) }, 'rollback')
		return this.#services.batches.rollback(request.rollbackId, request.reason, { ...callerOf(this.ctx), isOperator: false })
	}
}
