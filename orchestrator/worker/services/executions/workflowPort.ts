import type { WorkflowPort } from './dispatcher.ts'

const ENDED = new Set(['complete', 'errored', 'terminated'])

/** A Workflow binding as the services see it; `paramsOf` makes what an instance is started with from its id. */
export function createWorkflowPort<Params>(workflow: Workflow<Params>, { settledEvent, paramsOf }: { settledEvent: string; paramsOf: (id: string) => Params }): WorkflowPort {
	return {
		async create(id) {
			try {
				await workflow.create({ id, params: paramsOf(id) })
				return true
			} catch (error) {
				if (/already_exists|already exists/i.test(String(error))) return false
				throw error
			}
		},
		async state(id) {
			try {
				const { status } = await (await workflow.get(id)).status()
				if (status === 'unknown') return 'none'
				return ENDED.has(status) ? 'ended' : 'alive'
			} catch (error) {
				if (/not_found|not found/i.test(String(error))) return 'none'
				throw error
			}
		},
		async nudge(id) {
			try {
				await (await workflow.get(id)).sendEvent({ type: settledEvent, payload: {} })
			} catch (error) {
				// The row is the truth and the Workflow looks at it anyway; a nudge that finds nobody is only slower.
				console.warn({ message: 'nudge found no waiting Workflow', id, error: String(error) })
			}
		},
	}
}
