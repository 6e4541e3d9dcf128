import { AppError, isAppError } from '@shared/contracts'
import { z } from 'zod'
import type { JulesRequest } from './julesRequest.ts'

export interface JulesListing<Item extends z.ZodType> {
	name: string
	path: string
	/** The field of the answer that holds the items. */
	field: string
	item: Item
	pageSize: number
	/** Of a list that does not end before; an empty page counts as one. */
	maxItems: number
	query?: Record<string, string>
}

/**
 * The pages of a list, as long as the caller takes them. Sessions and activities carry whole patches, so a page that is too long is
 * asked for again with half the items. Throws PROVIDER_OUTPUT_INVALID when one item alone is too long or the list is too long.
 */
export async function* julesPages<Item extends z.ZodType>(request: JulesRequest, listing: JulesListing<Item>): AsyncGenerator<z.output<Item>[]> {
	let { pageSize } = listing
	let pageToken = ''
	for (let seen = 0; seen < listing.maxItems; ) {
		const page = await readPage(request, listing, { pageSize, pageToken })
		if (page === null) {
			pageSize = Math.ceil(pageSize / 2)
			continue
		}
		yield page.items
		seen += Math.max(1, page.items.length)
		pageToken = page.nextPageToken ?? ''
		if (pageToken === '') return
	}
	throw new AppError('PROVIDER_OUTPUT_INVALID', `${listing.name} of Jules has more than ${listing.maxItems} entries, which is the most that is read at once.`, { call: listing.name })
}

/** Null when the page is too long to be read and can be smaller. */
async function readPage<Item extends z.ZodType>(
	request: JulesRequest,
	{ name, path, field, item, query }: JulesListing<Item>,
	{ pageSize, pageToken }: { pageSize: number; pageToken: string },
): Promise<{ items: z.output<Item>[]; nextPageToken: string | undefined } | null> {
	const answer = z.object({ nextPageToken: z.string().optional() }).and(z.record(z.literal(field), z.array(item).default([])))
	try {
		const found = await request({ name, path, query: { ...query, pageSize: String(pageSize), ...(pageToken ? { pageToken } : {}) }, answer })
		return { items: found[field] ?? [], nextPageToken: found.nextPageToken }
	} catch (error) {
		if (pageSize > 1 && isAppError(error) && error.details?.['maxBytes'] !== undefined) return null
		throw error
	}
}
