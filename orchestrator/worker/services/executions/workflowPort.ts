import type { TaskExecutionParams, WorkflowPort } from './dispatcher.ts'

const ENDED = new Set(['complete', 'errored', 'terminated'])

/** The Workflow binding as the services see it. */
export function createWorkflowPort(workflow: Workflow<TaskExecutionParams>, settledEvent: string): WorkflowPort {
	return {
		async create(executionId) {
			try {
				await workflow.create({ id: executionId, params: { executionId } })
				return true
			} catch (error) {
				if (/already_exists|already exists/i.test(String(error))) return false
				throw error
			}
		},
		async state(executionId) {
			try {
				const { status } = await (await workflow.get(executionId)).status()
				if (status === 'unknown') return 'none'
				return ENDED.has(status) ? 'ended' : 'alive'
			} catch (error) {
				if (/not_found|not found/i.test(String(error))) return 'none'
				throw error
			}
		},
		async nudge(executionId) {
			try {
				await (await workflow.get(executionId)).sendEvent({ type: settledEvent, payload: {} })
			} catch (error) {
				// The row is the truth and the Workflow looks at it anyway; a nudge that finds nobody is only slower.
				console.warn({ message: 'nudge found no waiting Workflow', executionId, error: String(error) })
			}
		},
	}
}
