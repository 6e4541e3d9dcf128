import type { AIProviderRpc, ContainerTaskQueueRpc, TasksRpc } from '@shared/contracts'

/** Bindings by hand; `wrangler.jsonc` is their other half. */
export interface Env {
	ORCHESTRATOR_TASKS: Service<TasksRpc & Rpc.WorkerEntrypointBranded>
	ORCHESTRATOR_AI_PROVIDER: Service<AIProviderRpc & Rpc.WorkerEntrypointBranded>
	ORCHESTRATOR_TASK_QUEUE: Service<ContainerTaskQueueRpc & Rpc.WorkerEntrypointBranded>
	WORKER_NAME: string
	/** Secret. Whoever shows it may place orders with this factory. */
	FACTORY_TOKEN?: string
}
