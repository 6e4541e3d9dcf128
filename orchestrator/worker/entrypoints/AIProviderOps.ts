import { BaseWorkerEntrypoint, callerOf } from '@shared/worker-base'
import type { AIProviderRpc, AssignmentView, ExecutionStarted, ExecutionView, LogEntry, Page, PageRequest, PatchSet, ProviderStats, ProviderStatus, RouteCandidate, RouteDecision } from '@shared/contracts'
import { ProviderName } from '@shared/contracts'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'
import { parseInput } from './parseInput.ts'

/** Binding ORCHESTRATOR_AI_PROVIDER: who does a task, and how it goes. */
export class AIProviderOps extends BaseWorkerEntrypoint<Env> implements AIProviderRpc {
	readonly #services = createServices(this.env, this.ctx)

	async assignProvider(taskId: string, preferredProvider?: ProviderName): Promise<RouteDecision> {
		return this.#services.executions.assign(taskId, optionalProvider(preferredProvider), callerOf(this.ctx))
	}
	async executeTask(taskId: string, provider?: ProviderName): Promise<ExecutionStarted> {
		return this.#services.executions.execute(taskId, optionalProvider(provider), callerOf(this.ctx))
	}
	async getProviderStatus(providerName: ProviderName): Promise<ProviderStatus> {
		return this.#services.registry.status(parseInput(ProviderName, providerName, 'provider'))
	}
	async listAvailableProviders(taskId: string): Promise<RouteCandidate[]> {
		return this.#services.executions.candidates(taskId)
	}
	async listProviders(): Promise<ProviderStatus[]> {
		return this.#services.registry.all()
	}
	async getExecution(executionId: string): Promise<ExecutionView> {
		return this.#services.executions.get(executionId)
	}
	async getExecutionLog(executionId: string, page: PageRequest = {}): Promise<Page<LogEntry>> {
		return this.#services.executions.log(executionId, page)
	}
	async getPatchSet(executionId: string): Promise<PatchSet | null> {
		return this.#services.patches.ofExecution(executionId)
	}
	async cancelExecution(executionId: string, reason = 'asked for by its Worker'): Promise<ExecutionView> {
		return this.#services.executions.cancel(executionId, reason, callerOf(this.ctx))
	}
	async getAssignmentHistory(taskId: string): Promise<AssignmentView[]> {
		return this.#services.executions.assignmentHistory(taskId)
	}
	async getProviderStats(): Promise<ProviderStats[]> {
		return this.#services.stats()
	}
}

const optionalProvider = (name: unknown) => (name === undefined || name === null ? undefined : parseInput(ProviderName, name, 'provider'))
