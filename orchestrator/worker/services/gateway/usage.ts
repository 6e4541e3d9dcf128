import type { Wire } from './routes.ts'

/** The largest event or body that is read for its usage. A larger one passes through unread and its call counts as unpriced. */
const MAX_READ_BYTES = 4 * 1024 * 1024
const NEWLINE = 0x0a

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What an answer said of itself, in the provider's own words. */
export interface SeenUsage {
	model: string | null
	/** The usage object of the wire format, merged over its events; null when there was none. */
	usage: Fields | null
	/** True when that is the usage of the whole answer and not of its beginning. */
	isFinal: boolean
	/** True when the stream itself reported a failure. */
	hasFailed: boolean
}

export interface UsageScanner {
	push(chunk: Uint8Array): void
	/** Call once, when nothing more comes. */
	end(): SeenUsage
}

/** Reads usage and model out of an answer as it streams by, whatever its chunks; `contentType` tells events from one JSON body. */
export function createUsageScanner(wire: Wire, contentType: string | null): UsageScanner {
	const seen: SeenUsage = { model: null, usage: null, isFinal: false, hasFailed: false }
	const take = (text: string) => {
		// Most events are pieces of text; only those that name what is wanted are worth parsing.
		if (!text.includes('"usage') && !text.includes('"error"')) return
		const value = parse(text)
		for (const event of Array.isArray(value) ? value : [value]) if (isFields(event)) readEvent(wire, event, seen)
	}
	const bytes = createByteBuffer()
	if (!/^text\/event-stream\b/i.test(contentType ?? '')) {
		return {
			push: bytes.add,
			end: () => {
				take(bytes.takeText() ?? '')
				return seen
			},
		}
	}
	const data = createEventReader(take)
	return {
		push(chunk) {
			let from = 0
			for (let newline = chunk.indexOf(NEWLINE); newline !== -1; newline = chunk.indexOf(NEWLINE, from)) {
				bytes.add(chunk.subarray(from, newline))
				data.line(bytes.takeText())
				from = newline + 1
			}
			bytes.add(chunk.subarray(from))
		},
		end() {
			data.line(bytes.takeText())
			data.line('')
			return seen
		},
	}
}

/** Joins the `data:` lines of an event; a blank line ends it. */
function createEventReader(take: (text: string) => void) {
	let lines: string[] = []
	return {
		line(line: string | null) {
			const text = line?.replace(/\r$/, '')
			if (text === '' && lines.length > 0) {
				take(lines.join('\n'))
				lines = []
			} else if (text?.startsWith('data:')) lines.push(text.slice(5).trimStart())
		},
	}
}

/** Collects bytes up to the limit; past it, what was collected is worthless and dropped. */
function createByteBuffer() {
	let chunks: Uint8Array[] = []
	let size = 0
	return {
		add(chunk: Uint8Array) {
			size += chunk.byteLength
			if (size > MAX_READ_BYTES) chunks = []
			else if (chunk.byteLength > 0) chunks.push(chunk.slice())
		},
		/** The text so far, null when it was too long; starts anew. */
		takeText(): string | null {
			const decoder = new TextDecoder()
			const text = size > MAX_READ_BYTES ? null : chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
			chunks = []
			size = 0
			return text
		},
	}
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return null
	}
}

/** One event or whole body: Responses wrap it in `response`, the first Messages event in `message`; later values replace earlier ones. */
function readEvent(wire: Wire, event: Fields, seen: SeenUsage): void {
	const { type } = event
	if (type === 'error' || type === 'response.failed' || isFields(event['error'])) seen.hasFailed = true
	const body = [event['response'], event['message']].find(isFields) ?? event
	const model = body[wire === 'gemini' ? 'modelVersion' : 'model']
	if (typeof model === 'string' && model !== '') seen.model = model
	const usage = body[wire === 'gemini' ? 'usageMetadata' : 'usage']
	if (!isFields(usage)) return
	const known = Object.entries(usage).filter(([, value]) => value !== null)
	seen.usage = { ...seen.usage, ...Object.fromEntries(known) }
	if (type !== 'message_start') seen.isFinal = true
}
