import { redact } from './redact.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Record<string, unknown>

/** One JSON object a line. Fields are redacted, so a careless call cannot write a secret of a known form or name. */
export interface Logger {
	debug(message: string, fields?: LogFields): void
	info(message: string, fields?: LogFields): void
	warn(message: string, fields?: LogFields): void
	error(message: string, fields?: LogFields): void
	/** A logger whose lines all carry these fields. */
	with(fields: LogFields): Logger
}

export interface LoggerOptions {
	/** Lines below this level are dropped; `info` unless told. */
	level?: LogLevel
	/** On every line, for example `{ worker: 'vibehq-orchestrator' }`. */
	fields?: LogFields
	/** Where a line goes: the console, whose objects Workers Logs indexes by field. */
	write?: (level: LogLevel, line: LogFields) => void
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

export function createLogger({ level = 'info', fields = {}, write = (at, line) => console[at](line) }: LoggerOptions = {}): Logger {
	const log = (at: LogLevel) => (message: string, more: LogFields = {}) => {
		if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return
		write(at, redact({ ...fields, ...more, level: at, message }) as LogFields)
	}
	return {
		debug: log('debug'),
		info: log('info'),
		warn: log('warn'),
		error: log('error'),
		with: (more) => createLogger({ level, fields: { ...fields, ...more }, write }),
	}
}
