// Reading JSON of programs that change weekly: every step into it may find something else than expected, and that is no error.

export type JSONObject = Record<string, unknown>

export function isObject(value: unknown): value is JSONObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function at(value: unknown, ...path: readonly string[]): unknown {
	let here = value
	for (const key of path) {
		if (!isObject(here)) return undefined
		here = here[key]
	}
	return here
}

export function textAt(value: unknown, ...path: readonly string[]): string | null {
	const found = at(value, ...path)
	return typeof found === 'string' ? found : null
}

/** A whole number that is not negative, as counts are. */
export function countAt(value: unknown, ...path: readonly string[]): number {
	const found = at(value, ...path)
	return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : 0
}

export function numberAt(value: unknown, ...path: readonly string[]): number | null {
	const found = at(value, ...path)
	return typeof found === 'number' && Number.isFinite(found) ? found : null
}

export function listAt(value: unknown, ...path: readonly string[]): unknown[] {
	const found = at(value, ...path)
	return Array.isArray(found) ? found : []
}

/** Null when it is not the text of a JSON object. */
export function parseObject(text: string): JSONObject | null {
	try {
		const value: unknown = JSON.parse(text)
		return isObject(value) ? value : null
	} catch {
		return null
	}
}
