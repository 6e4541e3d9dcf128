// A pack is zlib streams end to end with nothing between them, and DecompressionStream does not tell where a stream ends. So this
// unpacks one (RFC 1950, RFC 1951) and says how long it was. The checksum is left alone: what is unpacked is proved by its object id.

interface BitReader {
	input: Uint8Array
	/** Next byte of the input. */
	at: number
	bits: number
	bitCount: number
}

/** Codes by their bits, first bit lowest: symbol and length of the code, or 0 where there is none. */
interface CodeTable {
	entries: Uint16Array
	maxLength: number
}

const END_OF_BLOCK = 256
const MAX_CODE_LENGTH = 15
/** The order in which a block states the lengths of the codes that its own code lengths are written in. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

const LENGTH_EXTRA = [...[0, 0, 0, 0], ...[0, 1, 2, 3, 4, 5].flatMap((extra) => [extra, extra, extra, extra]), 0]
const DISTANCE_EXTRA = [0, 0, ...Array.from({ length: 14 }, (_, extra) => [extra, extra]).flat()]
const LENGTH_BASE = [...sums(LENGTH_EXTRA.slice(0, 28), 3), 258]
const DISTANCE_BASE = sums(DISTANCE_EXTRA, 1)

/** Where each range begins when range n holds 2^extra(n) values. */
function sums(extras: readonly number[], first: number): number[] {
	let next = first
	return extras.map((extra) => {
		const base = next
		next += 2 ** extra
		return base
	})
}

const FIXED_LENGTHS = makeTable([...Array<number>(144).fill(8), ...Array<number>(112).fill(9), ...Array<number>(24).fill(7), ...Array<number>(8).fill(8)])
const FIXED_DISTANCES = makeTable(Array<number>(30).fill(5))

/** Unpacks the stream that `input` begins with. Throws RangeError when it is damaged or does not hold exactly `length` bytes. */
export function inflate(input: Uint8Array, length: number): { data: Uint8Array; usedBytes: number } {
	const [method = 0, flags = 0] = input
	if ((method & 15) !== 8 || (method * 256 + flags) % 31 !== 0 || (flags & 32) !== 0) throw new RangeError('not a zlib stream')
	const reader: BitReader = { input, at: 2, bits: 0, bitCount: 0 }
	const data = new Uint8Array(length)
	let filled = 0
	let isLast = false
	while (!isLast) {
		isLast = readBits(reader, 1) === 1
		filled = readBlock(reader, data, filled)
	}
	const usedBytes = reader.at - (reader.bitCount >> 3) + 4
	if (filled !== length || usedBytes > input.length) throw new RangeError('a zlib stream is not as long as it should be')
	return { data, usedBytes }
}

function readBlock(reader: BitReader, data: Uint8Array, filled: number): number {
	switch (readBits(reader, 2)) {
		case 0:
			return copyStored(reader, data, filled)
		case 1:
			return decode(reader, { lengths: FIXED_LENGTHS, distances: FIXED_DISTANCES }, { data, filled })
		case 2:
			return decode(reader, readTables(reader), { data, filled })
		default:
			throw new RangeError('a zlib block of an unknown kind')
	}
}

function need(reader: BitReader, count: number): void {
	while (reader.bitCount < count) {
		// Past the end there are zeros; that too much was read shows in the end.
		if (reader.at > reader.input.length + 4) throw new RangeError('a zlib stream is cut short')
		reader.bits |= (reader.input[reader.at] ?? 0) << reader.bitCount
		reader.at += 1
		reader.bitCount += 8
	}
}

function readBits(reader: BitReader, count: number): number {
	need(reader, count)
	const value = reader.bits & ((1 << count) - 1)
	reader.bits >>>= count
	reader.bitCount -= count
	return value
}

function readSymbol(reader: BitReader, { entries, maxLength }: CodeTable): number {
	need(reader, maxLength)
	const entry = entries[reader.bits & ((1 << maxLength) - 1)] ?? 0
	if (entry === 0) throw new RangeError('a code that a zlib block does not define')
	reader.bits >>>= entry & 15
	reader.bitCount -= entry & 15
	return entry >> 4
}

/** Canonical codes: shorter before longer, equal lengths in the order of the symbols. */
function makeTable(lengths: readonly number[]): CodeTable {
	const maxLength = Math.max(1, ...lengths)
	const entries = new Uint16Array(1 << maxLength)
	let code = 0
	for (let length = 1; length <= maxLength; length += 1) {
		for (const [symbol, symbolLength] of lengths.entries()) {
			if (symbolLength !== length) continue
			if (code >= 1 << length) throw new RangeError('a zlib block defines too many codes')
			for (let at = reverse(code, length); at < entries.length; at += 1 << length) entries[at] = (symbol << 4) | length
			code += 1
		}
		code <<= 1
	}
	return { entries, maxLength }
}

function reverse(code: number, length: number): number {
	let reversed = 0
	for (let bit = 0; bit < length; bit += 1) if (code & (1 << bit)) reversed |= 1 << (length - 1 - bit)
	return reversed
}

function readTables(reader: BitReader): { lengths: CodeTable; distances: CodeTable } {
	const lengthCount = readBits(reader, 5) + 257
	const distanceCount = readBits(reader, 5) + 1
	const statedCount = readBits(reader, 4) + 4
	const stated = Array<number>(19).fill(0)
	for (const symbol of CODE_LENGTH_ORDER.slice(0, statedCount)) stated[symbol] = readBits(reader, 3)
	const table = makeTable(stated)
	const all: number[] = []
	while (all.length < lengthCount + distanceCount) {
		const symbol = readSymbol(reader, table)
		if (symbol <= MAX_CODE_LENGTH) all.push(symbol)
		else if (symbol === 16) pushTimes(all, all.at(-1) ?? 0, readBits(reader, 2) + 3)
		else pushTimes(all, 0, symbol === 17 ? readBits(reader, 3) + 3 : readBits(reader, 7) + 11)
	}
	if (all.length > lengthCount + distanceCount) throw new RangeError('a zlib block states too many code lengths')
	return { lengths: makeTable(all.slice(0, lengthCount)), distances: makeTable(all.slice(lengthCount)) }
}

function pushTimes(into: number[], value: number, times: number): void {
	for (let time = 0; time < times; time += 1) into.push(value)
}

function copyStored(reader: BitReader, data: Uint8Array, filled: number): number {
	reader.at -= reader.bitCount >> 3
	reader.bits = 0
	reader.bitCount = 0
	const length = readBits(reader, 16)
	if ((readBits(reader, 16) ^ 0xffff) !== length) throw new RangeError('a stored zlib block contradicts itself')
	// Throws RangeError where it would not fit.
	data.set(reader.input.subarray(reader.at, reader.at + length), filled)
	reader.at += length
	return filled + length
}

function decode(reader: BitReader, codes: { lengths: CodeTable; distances: CodeTable }, output: { data: Uint8Array; filled: number }): number {
	const { data } = output
	let filled = output.filled
	for (;;) {
		const symbol = readSymbol(reader, codes.lengths)
		if (symbol === END_OF_BLOCK) return filled
		if (symbol < END_OF_BLOCK) {
			if (filled >= data.length) throw new RangeError('a zlib stream is longer than it says')
			data[filled] = symbol
			filled += 1
			continue
		}
		const length = (LENGTH_BASE[symbol - 257] ?? 0) + readBits(reader, LENGTH_EXTRA[symbol - 257] ?? 0)
		const distanceSymbol = readSymbol(reader, codes.distances)
		const distance = (DISTANCE_BASE[distanceSymbol] ?? 0) + readBits(reader, DISTANCE_EXTRA[distanceSymbol] ?? 0)
		if (distance > filled || filled + length > data.length) throw new RangeError('a zlib stream refers to what it does not hold')
		// One by one: the source may be what this copy has just written.
		for (let step = 0; step < length; step += 1, filled += 1) data[filled] = data[filled - distance] ?? 0
	}
}
