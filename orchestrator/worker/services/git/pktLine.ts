import { concatBytes } from './objects.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const FLUSH = '0000'
const DELIMITER = '0001'

/** One element of a pkt-line stream. */
export type Pkt = { kind: 'data'; bytes: Uint8Array } | { kind: 'flush' | 'delimiter' }

/** A line with its length in front (four hex digits that count themselves). */
export function pktLine(text: string): Uint8Array {
	const data = encoder.encode(text)
	return concatBytes([encoder.encode((data.length + 4).toString(16).padStart(4, '0')), data])
}

export const pktFlush = () => encoder.encode(FLUSH)
export const pktDelimiter = () => encoder.encode(DELIMITER)

/** Reads a whole answer. Throws RangeError where the bytes are no pkt-lines. */
export function parsePktLines(bytes: Uint8Array): Pkt[] {
	const pkts: Pkt[] = []
	let at = 0
	while (at < bytes.length) {
		const prefix = decoder.decode(bytes.subarray(at, at + 4))
		if (!/^[0-9a-f]{4}$/i.test(prefix)) throw new RangeError('not a pkt-line length')
		const length = Number.parseInt(prefix, 16)
		if (length === 0) pkts.push({ kind: 'flush' })
		else if (length === 1) pkts.push({ kind: 'delimiter' })
		else if (length < 4 || at + length > bytes.length) throw new RangeError('a pkt-line is cut short')
		else pkts.push({ kind: 'data', bytes: bytes.subarray(at + 4, at + length) })
		at += Math.max(length, 4)
	}
	return pkts
}

/** The text of a line without the newline that senders may put at its end. */
export const pktText = (bytes: Uint8Array) => decoder.decode(bytes).replace(/\n$/, '')
