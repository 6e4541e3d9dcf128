import { redact } from '@shared/worker-base'
import type { Statement } from '../../../database/client.ts'
import type { Execution } from '../../../database/repositories/executions.ts'
import { appendLog } from '../../../database/repositories/operationLogs.ts'
import type { JulesActivity, JulesEvent } from './julesTypes.ts'

const MAX_TEXT_CHARS = 2000
/** Of one look; a session says something every half minute. */
const MAX_LINES = 100

/** What the agent said and did, in the words that the log has for CLIs; each activity once. */
export function activityLines({ orderId, taskId, executionId, workerName }: Execution, activities: readonly JulesActivity[], at: number): Statement[] {
	return activities.slice(-MAX_LINES).flatMap(({ id, at: saidAt, event }) => {
		const told = wordsOf(event)
		if (told === null) return []
		const details = { activity: id.slice(0, 200), at: saidAt, text: String(redact(told.text.slice(0, MAX_TEXT_CHARS))) }
		return [appendLog({ source: 'orchestrator.execution', operation: told.operation, orderId, taskId, executionId, details, onceKey: id.slice(0, 200), workerName, at })]
	})
}

function wordsOf(event: JulesEvent): { operation: string; text: string } | null {
	switch (event.kind) {
		case 'agentMessaged':
			return { operation: 'agent.message', text: event.message }
		case 'planGenerated':
			return { operation: 'agent.phase', text: `Plan: ${event.plan.steps.map(({ title }, index) => `${index + 1}. ${title}`).join(' ')}` }
		case 'progressUpdated':
			return { operation: 'agent.phase', text: [event.title, event.description].filter(Boolean).join(': ') }
		case 'userMessaged':
		case 'planApproved':
		case 'sessionCompleted':
		case 'sessionFailed':
		case 'unknown':
			return null
		default:
			return event satisfies never
	}
}
