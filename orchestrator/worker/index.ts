// Every door of the orchestrator, on one screen. What is behind each: services.ts.
import { consumeProviderTasks } from './queues/providerTasks.ts'
import { sweep } from './cron/sweep.ts'
import type { Env } from './env.ts'
import { createApp } from './http/app.ts'
import { createServices } from './services.ts'

// Service bindings (RPC)
export { AIProviderOps } from './entrypoints/AIProviderOps.ts' // ORCHESTRATOR_AI_PROVIDER
export { ContainerLoadBalancerOps } from './entrypoints/ContainerLoadBalancerOps.ts' // ORCHESTRATOR_LOAD_BALANCER
export { ContainerTaskQueueOps } from './entrypoints/ContainerTaskQueueOps.ts' // ORCHESTRATOR_TASK_QUEUE
export { PatchOps } from './entrypoints/PatchOps.ts' // ORCHESTRATOR_PATCH
export { Tasks } from './entrypoints/tasks.ts' // ORCHESTRATOR_TASKS

// The life of an execution
export { TaskExecution } from './workflows/TaskExecution.ts'
// and of a batch of patches without an agent
export { PatchLanding } from './workflows/PatchLanding.ts'

// Single writers
export { ContainerPool } from './durable-objects/ContainerPool.ts' // one for each Worker's pool of containers
export { EventHub } from './durable-objects/EventHub.ts' // all live sockets

// Containers of the platform, and their only way out
export { AgentContainer } from './durable-objects/AgentContainer.ts'
export { ContainerEgress } from './entrypoints/ContainerEgress.ts'

const app = createApp(createServices)

export default {
	/** REST, the model gateway and the git gateway. */
	fetch: (request, env, ctx) => app.fetch(request, env, ctx),
	/** ai-provider-tasks and its dead letters. */
	queue: (batch, env, ctx) => consumeProviderTasks(batch, createServices(env, ctx)),
	/** Finds work that nobody does. */
	scheduled: (_controller, env, ctx) => sweep(createServices(env, ctx)),
} satisfies ExportedHandler<Env>
