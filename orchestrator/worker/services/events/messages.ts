import type { EventLine, ServerMessage } from '@shared/contracts'
import type { LogRow } from '../../database/repositories/eventLog.ts'
import { entryOf } from '../../database/repositories/operationLogs.ts'

/** One line of the log, ready to be sent any number of times. */
export interface Event {
	id: number
	line: EventLine
	/** The ServerMessage as text. */
	text: string
}

/** So long may details be; what is longer is cut and can be read over REST. */
const MAX_DETAILS_LENGTH = 32_768

export function toEvent(row: LogRow): Event {
	const message = toMessage(row)
	return { id: row.id, line: message.data, text: JSON.stringify(message) }
}

export function toMessage(row: LogRow) {
	const details = parseDetails(row.details)
	const isCut = details === null || row.details.length > MAX_DETAILS_LENGTH
	const line: EventLine = { ...entryOf(row, isCut ? idOf(details) : details), ...(isCut ? { isCut } : {}) }
	return { type: typeOf(row.operation), cursor: String(row.id), at: row.created_at, data: line } satisfies ServerMessage
}

/** Null for what is no JSON object: one bad row must not hold up all that come after it. */
function parseDetails(text: string): Record<string, unknown> | null {
	try {
		const details: unknown = JSON.parse(text)
		return typeof details === 'object' && !Array.isArray(details) ? (details as Record<string, unknown> | null) : null
	} catch {
		return null
	}
}

/** What a filter looks at stays, however long the rest is. */
const idOf = (details: Record<string, unknown> | null): Record<string, unknown> => (details?.['taskId'] === undefined ? {} : { taskId: details['taskId'] })

const TYPES = { queue: 'task', execution: 'execution', container: 'container' } as const

function typeOf(operation: string): ServerMessage['type'] {
	const area = operation.slice(0, operation.indexOf('.'))
	return Object.hasOwn(TYPES, area) ? TYPES[area as keyof typeof TYPES] : 'log'
}
