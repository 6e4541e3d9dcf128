import { randomBytes } from 'node:crypto'
import type { HumanRequest, Page, PatchBatchInput, PatchOptionsInput, PatchResult, TaskView } from '@shared/contracts'
import { until } from './gate.ts'
import { script } from './stack.ts'
import type { PlacedOrder, Script, Stack } from './stack.ts'

/** Adds a task to an order; answers its execution. */
export async function addTask(stack: Stack, order: PlacedOrder, { scenario, ...task }: { scenario: Script; provider?: string; scope?: object[] }): Promise<{ taskId: string; executionId: string }> {
	const token = `token-${randomBytes(6).toString('hex')}`
	script(stack, token, scenario)
	return await stack.client.call('POST', `/api/orders/${order.orderId}/tasks`, { body: { prompt: `Change it further (${token})`, ...task } })
}

/** The request that waits for a person about an execution or batch. */
export function requestOf(stack: Stack, subjectId: string): Promise<HumanRequest> {
	return until(`something is asked about ${subjectId}`, async () => {
		const { items } = await stack.client.call<Page<HumanRequest>>('GET', `/api/human-requests?subjectId=${subjectId}`)
		return items.find(({ status }) => status === 'pending')
	})
}

export const decide = (stack: Stack, { requestId, digest }: HumanRequest, decision: 'approve' | 'reject', reason?: string) =>
	stack.client.call<HumanRequest>('POST', `/api/human-requests/${requestId}/decision`, { body: { decision, digest, ...(reason === undefined ? {} : { reason }) } })

export const applyPatches = (stack: Stack, batch: PatchBatchInput, options?: PatchOptionsInput) =>
	stack.client.call<PatchResult>('POST', '/api/patches/apply', { body: { ...batch, ...(options === undefined ? {} : { options }) } })

/** The tasks of an order as soon as none of them is under way. */
export function tasksWhenDone(stack: Stack, orderId: string): Promise<TaskView[]> {
	return until(`all tasks of ${orderId} have ended`, async () => {
		const { status, tasks } = await stack.client.order(orderId as PlacedOrder['orderId'])
		return status === 'open' ? undefined : tasks
	}, 60_000)
}
