import type { ProgressEvent } from '@shared/contracts'
import { clip } from '../taskFailure.ts'
import type { AgentReport, ParserInput } from './adapter.ts'
import { parseObject, textAt } from './json.ts'
import type { JSONObject } from './json.ts'

type Kind = ProgressEvent['kind']

/** What every parser does alike: the report it fills in and the events it hands on. */
export interface EventLog {
	report: AgentReport
	emit(kind: Kind, text: string, data?: Record<string, unknown>): void
	/** An edit of a file, named relative to the work tree. */
	emitEdit(path: string, data?: Record<string, unknown>): void
	/** Counts what the parser has no rule for; only the first of each type is handed on. */
	unknown(type: string): void
	/** The JSON object of a line and its `type`; anything else is counted as unknown. */
	read(line: string): { type: string; event: JSONObject } | null
}

export function createEventLog({ dirs, onEvent }: ParserInput): EventLog {
	const seen = new Set<string>()
	const report: AgentReport = {
		hasEnded: false,
		fault: null,
		summary: '',
		sessionId: null,
		model: null,
		usage: null,
		unknownEvents: 0,
	}
	const log: EventLog = {
		report,
		emit(kind, text, data) {
			onEvent({ kind, text: clip(text, 2000), ...(data ? { data } : {}) })
		},
		emitEdit(path, data) {
			const prefix = `${dirs.work}/`
			log.emit('edit', path.startsWith(prefix) ? path.slice(prefix.length) : path, data)
		},
		unknown(type) {
			report.unknownEvents += 1
			if (seen.has(type) || seen.size >= 20) return
			seen.add(type)
			log.emit('unknown', `Event of unknown type ${type}`)
		},
		read(line) {
			if (line.trim() === '') return null
			const event = parseObject(line)
			const type = textAt(event, 'type')
			if (event && type !== null) return { type, event }
			log.unknown(event ? 'without a type' : 'not JSON')
			return null
		},
	}
	return log
}

/** The tokens of a run; null when nothing was counted. */
export function usageOf(tokens: { inputTokens: number; outputTokens: number; cacheReadTokens: number; cacheWriteTokens: number }): AgentReport['usage'] {
	return tokens.inputTokens + tokens.outputTokens === 0 ? null : tokens
}
