import { concatBytes } from './objects.ts'
import type { GitObject } from './objects.ts'

const TYPE_NUMBERS = { commit: 1, tree: 2, blob: 3 } as const

/** A version-2 pack of whole (not delta) objects, compressed one after the other so that only one is held twice. */
export async function makePack(objects: readonly GitObject[]): Promise<Uint8Array<ArrayBuffer>> {
	const parts: Uint8Array[] = [packHeader(objects.length)]
	for (const object of objects) parts.push(entryHeader(TYPE_NUMBERS[object.type], object.data.length), await deflate(object.data))
	const body = concatBytes([...parts, new Uint8Array(20)])
	const checksum = await crypto.subtle.digest('SHA-1', body.subarray(0, -20))
	body.set(new Uint8Array(checksum), body.length - 20)
	return body
}

function packHeader(count: number): Uint8Array {
	const header = new Uint8Array(12)
	header.set(new TextEncoder().encode('PACK'))
	const view = new DataView(header.buffer)
	view.setUint32(4, 2)
	view.setUint32(8, count)
	return header
}

/** Type and length: four bits of length in the first byte, seven in each following one, the high bit saying that more follow. */
export function entryHeader(type: number, length: number): Uint8Array {
	const bytes: number[] = []
	let rest = Math.floor(length / 16)
	let byte = (type << 4) | (length & 15)
	while (rest > 0) {
		bytes.push(byte | 0x80)
		byte = rest & 0x7f
		rest = Math.floor(rest / 128)
	}
	return Uint8Array.from([...bytes, byte])
}

async function deflate(data: Uint8Array): Promise<Uint8Array> {
	const stream = new Blob([data]).stream().pipeThrough(new CompressionStream('deflate'))
	return new Uint8Array(await new Response(stream).arrayBuffer())
}
