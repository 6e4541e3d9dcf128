import { expect, it } from 'vitest'
import { makeObject, toHex } from './objects.ts'
import { entryHeader, makePack } from './pack.ts'

it.each([
	[0, [0x30]],
	[15, [0x3f]],
	[16, [0xb0, 0x01]],
	[2047, [0xbf, 0x7f]],
	[2048, [0xb0, 0x80, 0x01]],
	[5_000_000_000, [0xb0, 0xa0, 0xbe, 0x81, 0x95, 0x01]],
])('writes the length %i of a blob', (length, bytes) => {
	expect([...entryHeader(3, length)]).toEqual(bytes)
})

it('is a header, an entry for each object, and the checksum of it all', async () => {
	const objects = [await makeObject('blob', new TextEncoder().encode('x\n'.repeat(1000))), await makeObject('tree', new Uint8Array())]
	const pack = await makePack(objects)
	expect(new TextDecoder().decode(pack.subarray(0, 4))).toBe('PACK')
	expect([...pack.subarray(4, 12)]).toEqual([0, 0, 0, 2, 0, 0, 0, 2])
	expect([...pack.subarray(12, 14)]).toEqual([0xb0, 0x7d])
	expect(pack.length).toBeLessThan(100)
	const checksum = await crypto.subtle.digest('SHA-1', pack.slice(0, -20))
	expect(toHex(pack.subarray(-20))).toBe(toHex(new Uint8Array(checksum)))
})
