import type { TaskQueueDeps } from './context.ts'

const HIDDEN = '[redacted]'
/** Shorter values stand in ordinary text by chance. */
const MIN_SECRET_CHARS = 8

/** Takes the values of known secrets out of texts. They are read when the first text comes: most calls bring none. */
export function createRedactor(secrets: () => readonly string[]): (text: string) => string {
	let known: readonly string[] | undefined
	const readForms = () => [...new Set(secrets().filter(({ length }) => length >= MIN_SECRET_CHARS).flatMap((secret) => [secret, encodeURIComponent(secret)]))]
	return (text) => (known ??= readForms()).reduce((rest, form) => rest.replaceAll(form, HIDDEN), text)
}

/** A copy of what a runner sent without known secrets, in keys as in values. */
export function redacted<Value>({ redact }: Pick<TaskQueueDeps, 'redact'>, value: Value): Value {
	if (redact === undefined || value === undefined) return value
	const clean = (_name: string, part: unknown): unknown => {
		if (typeof part === 'string') return redact(part)
		if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
		return Object.fromEntries(Object.entries(part).map(([name, field]) => [redact(name), field]))
	}
	return JSON.parse(JSON.stringify(value), clean) as Value
}
