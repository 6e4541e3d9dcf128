import { AppError } from '@shared/contracts'
import { concatBytes } from './objects.ts'
import { pktFlush, pktLine } from './pktLine.ts'

/** All commands of a push come before its pack; this is room for thousands of references. */
const MAX_HEAD_BYTES = 1024 * 1024
/** How much of a refused pack is read, so that a client hears the refusal and not a broken connection. */
const MAX_DRAIN_BYTES = 64 * 1024 * 1024
const PIECE_LENGTH = 16_000

const decoder = new TextDecoder()

/** The head of a receive-pack request: which references it wants to move, before any of its pack is read. */
export interface PushHead {
	refs: string[]
	capabilities: string[]
	/** The bytes read so far: the commands, and possibly the beginning of the pack. */
	bytes: Uint8Array
}

/** Reads a push up to the end of its commands and leaves the rest in `body`. Throws INVALID_INPUT for what is not a push. */
export async function readPushHead(body: ReadableStream<Uint8Array>): Promise<PushHead> {
	const reader = body.getReader()
	try {
		let bytes: Uint8Array = new Uint8Array()
		for (;;) {
			const head = parseHead(bytes)
			if (head) return { ...head, bytes }
			if (bytes.length > MAX_HEAD_BYTES) throw new AppError('PAYLOAD_TOO_LARGE', 'The push names too many references. Push fewer at a time.')
			const { done, value } = await reader.read()
			if (done) throw notAPush()
			bytes = concatBytes([bytes, value])
		}
	} finally {
		reader.releaseLock()
	}
}

/** Null while the commands are not complete. */
function parseHead(bytes: Uint8Array): Omit<PushHead, 'bytes'> | null {
	const refs: string[] = []
	let capabilities: string[] = []
	let at = 0
	while (at + 4 <= bytes.length) {
		const prefix = decoder.decode(bytes.subarray(at, at + 4))
		const length = /^[0-9a-f]{4}$/i.test(prefix) ? Number.parseInt(prefix, 16) : -1
		if (length === 0) return { refs, capabilities }
		if (length < 4) throw notAPush()
		if (at + length > bytes.length) return null
		const line = decoder.decode(bytes.subarray(at + 4, at + length))
		const [command = '', offered] = line.split('\0')
		if (offered !== undefined) capabilities = offered.trim().split(' ')
		const ref = /^[0-9a-f]{40} [0-9a-f]{40} (\S+)\n?$/.exec(command)?.[1]
		if (ref !== undefined) refs.push(ref)
		// A signed push hides its commands in a certificate; nobody is offered one.
		else if (!/^shallow [0-9a-f]{40}\n?$/.test(command)) throw notAPush()
		at += length
	}
	return null
}

const notAPush = () => new AppError('INVALID_INPUT', 'The body is not a git push that this gateway understands.')

/** What git shows as `! [remote rejected] <ref> (<reason>)`; null when the client cannot read a report. */
export function rejectionReport({ refs, capabilities }: PushHead, reasonOf: (ref: string) => string): Uint8Array | null {
	if (!capabilities.some((capability) => capability.startsWith('report-status'))) return null
	const report = concatBytes([pktLine('unpack ok\n'), ...refs.map((ref) => pktLine(`ng ${ref} ${reasonOf(ref)}\n`)), pktFlush()])
	if (!capabilities.includes('side-band-64k')) return report
	const text = decoder.decode(report)
	const pieces = Array.from({ length: Math.ceil(text.length / PIECE_LENGTH) }, (_, n) => pktLine(`\x01${text.slice(n * PIECE_LENGTH, (n + 1) * PIECE_LENGTH)}`))
	return concatBytes([...pieces, pktFlush()])
}

/** Reads the rest of a refused push away. */
export async function drain(body: ReadableStream<Uint8Array>): Promise<void> {
	let seen = 0
	for await (const chunk of body) {
		seen += chunk.byteLength
		if (seen > MAX_DRAIN_BYTES) return
	}
}
