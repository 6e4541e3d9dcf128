import { AppError } from '@shared/contracts'

/** Makes the opaque cursor of a list that is ordered by time and id. */
export const encodeCursor = (at: number, id: string) => btoa(`${at} ${id}`)

/** Reads a cursor back; INVALID_INPUT when it is not one of ours. */
export function decodeCursor(cursor: string | undefined): [number, string] | undefined {
	if (cursor === undefined) return undefined
	try {
		const [at, id] = atob(cursor).split(' ')
		if (at !== undefined && id !== undefined && /^\d+$/.test(at)) return [Number(at), id]
	} catch {
		// falls through to the same refusal
	}
	throw new AppError('INVALID_INPUT', 'The cursor is not one that a list returned: pass nextCursor back unchanged, or leave it out.')
}

/** Cuts a page out of rows that were asked for with one more than `limit`. */
export function toPage<Item>(rows: Item[], limit: number, cursorOf: (item: Item) => string) {
	const items = rows.slice(0, limit)
	const last = items.at(-1)
	return { items, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null }
}
