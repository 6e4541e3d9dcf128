import type { ExecutionView, OrderCreated, OrderInput, OrderView, ProviderStatus } from '@shared/contracts'
import { z } from 'zod'
import type { Env } from './env.ts'

/** What somebody wants of this factory: a prompt, and where the work goes if not into a new workspace. */
export type AgentWish = z.infer<typeof AgentWish>
export const AgentWish = z.strictObject({
	prompt: z.string().trim().min(1).max(100_000),
	workspaceId: z.string().optional(),
	taskType: z.enum(['generate', 'fix', 'refactor', 'optimize']).default('generate'),
	validate: z.array(z.string()).max(20).default([]),
})

/** Orders of this factory, placed with the orchestrator over its service bindings. */
export function createFactory(env: Pick<Env, 'ORCHESTRATOR_TASKS' | 'ORCHESTRATOR_AI_PROVIDER'>) {
	return {
		fulfil(wish: AgentWish, idempotencyKey?: string): Promise<OrderCreated> {
			const { workspaceId, ...rest } = wish
			// The orchestrator checks the id; the factory only passes it on.
			const workspace = (workspaceId === undefined ? { kind: 'hosted' } : { kind: 'hosted', workspaceId }) as OrderInput['workspace']
			return env.ORCHESTRATOR_TASKS.createOrder({ ...rest, workspace, factory: 'agent-factory' }, idempotencyKey === undefined ? {} : { idempotencyKey })
		},
		order: (orderId: string): Promise<OrderView> => env.ORCHESTRATOR_TASKS.getOrder(orderId),
		execution: (executionId: string): Promise<ExecutionView> => env.ORCHESTRATOR_AI_PROVIDER.getExecution(executionId),
		providers: (): Promise<ProviderStatus[]> => env.ORCHESTRATOR_AI_PROVIDER.listProviders(),
	}
}
export type Factory = ReturnType<typeof createFactory>
