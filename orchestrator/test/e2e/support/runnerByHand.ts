import { blobId } from '@shared/ai-patch'
import { AgentRunParameters } from '@shared/contracts'
import type { AgentRunOutput, ClaimedTask, ContainerTask } from '@shared/contracts'
import { createClient } from '@shared/testing/stack'
import { until } from './gate.ts'
import type { Stack } from './stack.ts'

/** A runner that does nothing by itself: the test claims and reports in its name. */
export async function runnerByHand(stack: Stack, containerName: string) {
	const client = createClient(stack.url, await stack.mint('runner', containerName))
	return {
		claim: () =>
			until(`${containerName} gets a task`, async () => {
				const body = { workerName: 'local', containerName, taskTypes: ['agent-run'], capabilities: ['codex'], waitMs: 5000, max: 1 }
				const answer = await client.call<{ tasks: ClaimedTask[] } | null>('POST', '/api/tasks/claim', { body })
				return answer?.tasks[0]
			}),
		complete: ({ task, leaseToken }: ClaimedTask, output: AgentRunOutput) => client.call<ContainerTask>('POST', `/api/tasks/${task.taskId}/complete`, { body: { leaseToken, output } }),
	}
}

/** What an agent run hands in that made `done.txt` with this content. */
export async function outputWith({ task }: ClaimedTask, content: string): Promise<AgentRunOutput> {
	const { patchSetId, taskUuid, executionId, orderId, baseCommit, provider } = AgentRunParameters.parse(task.parameters)
	return {
		patchSet: {
			patch_set_id: patchSetId,
			task_id: taskUuid,
			execution_id: executionId,
			order_id: orderId,
			base_commit: baseCommit,
			files: [{ path: 'done.txt', change: 'create', mode: '100644', base_blob: null, result_blob: await blobId(new TextEncoder().encode(content)) }],
			patches: [{ task_id: taskUuid, file: 'done.txt', operation: 'append', block: content, metadata: { provider } }],
			summary: 'Made by hand',
			metadata: { provider },
		},
		summary: 'Made by hand',
		sessionId: null,
		model: null,
		cliVersion: null,
		usage: null,
		exitCode: 0,
		signal: null,
		isolation: 'process',
		phasesMs: {},
		unknownEvents: 0,
		stderrTail: '',
	}
}
