import { createHash } from 'node:crypto'
import { badRequest } from './googleErrors.ts'

/** Paging and filters as the API has them. */

export interface Page<T> {
	items: T[]
	nextPageToken?: string
}

const MOST = 100

/**
 * One page. A token is opaque and fits only the list that it came from.
 * @throws GoogleError 400 for a token of another list or a bad page size.
 */
export function pageOf<T>(all: readonly T[], query: URLSearchParams, defaults: { list: string; pageSize: number }): Page<T> {
	const list = createHash('sha256').update(`${defaults.list}?${query.get('filter') ?? ''}`).digest('base64url').slice(0, 12)
	const size = Number(query.get('pageSize') ?? 0)
	if (!Number.isInteger(size) || size < 0) throw badRequest('page_size must be a number that is not negative.', 'page_size')
	const pageSize = size === 0 ? defaults.pageSize : Math.min(size, MOST)
	const token = query.get('pageToken') ?? ''
	const [ofList, offset] = token === '' ? [list, '0'] : Buffer.from(token, 'base64url').toString().split(':')
	const start = Number(offset)
	if (ofList !== list || !Number.isInteger(start) || start < 0) throw badRequest('Invalid page token.', 'page_token')
	const end = start + pageSize
	return { items: all.slice(start, end), ...(end < all.length ? { nextPageToken: Buffer.from(`${list}:${end}`).toString('base64url') } : {}) }
}

const COMPARE: Record<string, (one: number, other: number) => boolean> = {
	'>': (one, other) => one > other,
	'<': (one, other) => one < other,
	'=': (one, other) => one === other,
	'>=': (one, other) => one >= other,
	'<=': (one, other) => one <= other,
}

/** `create_time > "2026-01-26T10:00:00Z"` as a test of Unix ms. @throws GoogleError 400 for any other filter. */
export function timeFilter(filter: string): (at: number) => boolean {
	if (filter.trim() === '') return () => true
	const [, operator = '', value = ''] = /^\s*create_time\s*(>=|<=|>|<|=)\s*"([^"]*)"\s*$/.exec(filter) ?? []
	const compare = COMPARE[operator]
	const time = Date.parse(value)
	if (!compare || Number.isNaN(time)) throw badRequest(`Invalid filter: ${filter}`, 'filter')
	return (at) => compare(at, time)
}

/** `archived = true`; without a filter what is archived is left out. @throws GoogleError 400 for any other filter. */
export function archivedFilter(filter: string): (isArchived: boolean) => boolean {
	if (filter.trim() === '') return (isArchived) => !isArchived
	const wanted = /^\s*archived\s*=\s*(true|false)\s*$/.exec(filter)?.[1]
	if (wanted === undefined) throw badRequest(`Invalid filter: ${filter}`, 'filter')
	return (isArchived) => isArchived === (wanted === 'true')
}

/** `name=sources/github/a/b OR name=...`. @throws GoogleError 400 for any other filter. */
export function nameFilter(filter: string): (name: string) => boolean {
	if (filter.trim() === '') return () => true
	const names = filter.split(/\s+OR\s+/).map((term) => /^\s*name\s*=\s*"?([^"\s]+)"?\s*$/.exec(term)?.[1])
	if (names.includes(undefined)) throw badRequest(`Invalid filter: ${filter}`, 'filter')
	return (name) => names.includes(name)
}
