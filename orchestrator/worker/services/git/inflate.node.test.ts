import { constants, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inflate } from './inflate.ts'

const encode = (text: string) => new TextEncoder().encode(text)
/** The same numbers every time. */
function numbers(count: number, below: number): Uint8Array {
	let state = 12345
	return Uint8Array.from({ length: count }, () => {
		state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
		return (state >> 8) % below
	})
}
const CONTENTS: Record<string, Uint8Array> = {
	nothing: new Uint8Array(),
	'one byte': encode('x'),
	text: encode('export const line = "some text that repeats"\n'.repeat(500)),
	'a run': new Uint8Array(200_000),
	'noise that does not compress': numbers(150_000, 256),
	'few symbols': numbers(150_000, 7),
	'every byte once': Uint8Array.from({ length: 256 }, (_, at) => at),
	'distant repeats': new Uint8Array([...numbers(30_000, 256), ...numbers(30_000, 256)]),
}
const OPTIONS = [
	{ level: 0 },
	{ level: 1 },
	{ level: 6 },
	{ level: 9 },
	{ strategy: constants.Z_FIXED },
	{ strategy: constants.Z_HUFFMAN_ONLY },
	{ strategy: constants.Z_RLE },
	{ level: 9, memLevel: 1, windowBits: 9 },
]

describe.each(Object.entries(CONTENTS))('%s', (_name, content) => {
	it.each(OPTIONS)('comes back from zlib with %j, whatever follows', (options) => {
		const packed = deflateSync(content, options)
		const { data, usedBytes } = inflate(new Uint8Array([...packed, ...numbers(50, 256)]), content.length)
		expect(usedBytes).toBe(packed.length)
		expect(Buffer.compare(data, content)).toBe(0)
	})
})

it('keeps to the length it was told', () => {
	const packed = deflateSync(encode('hello hello hello hello'))
	for (const length of [0, 5, 22, 24, 1000]) expect(() => inflate(packed, length)).toThrow(RangeError)
})

it('refuses what is cut short, at every place', () => {
	const packed = deflateSync(numbers(2000, 50))
	for (let length = 0; length < packed.length; length += 1) expect(() => inflate(packed.subarray(0, length), 2000)).toThrow(RangeError)
})

it('refuses or contains any damage', () => {
	const packed = deflateSync(encode('some text that repeats, some text that repeats\n'.repeat(20)))
	for (let bit = 0; bit < packed.length * 8; bit += 1) {
		const damaged = new Uint8Array(packed)
		damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
		try {
			expect(inflate(damaged, 940).data).toHaveLength(940)
		} catch (error) {
			expect(error).toBeInstanceOf(RangeError)
		}
	}
})

it.each([[[]], [[0x78]], [[0x78, 0x02]], [[0x79, 0x9c]], [[0x78, 0xbb]], [[0x78, 0x9c, 0x07]]])('takes no %j for a stream', (bytes) => {
	expect(() => inflate(Uint8Array.from(bytes), 0)).toThrow(RangeError)
})
