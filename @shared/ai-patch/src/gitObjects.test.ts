import { describe, expect, it } from 'vitest'
import { blobId } from './gitObjects.ts'

describe('blobId', () => {
	it('is what git hash-object prints', async () => {
		expect(await blobId(new Uint8Array())).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391')
		expect(await blobId(new TextEncoder().encode('hello\n'))).toBe('ce013625030ba8dba906f756967f9e9ca394464a')
		expect(await blobId(Uint8Array.of(0, 255))).toBe('ba01f6b05bdbb386b35f4d086e268c5d422cafb9')
	})

	it('takes a view into a larger buffer', async () => {
		expect(await blobId(new TextEncoder().encode('xhello\ny').subarray(1, 7))).toBe('ce013625030ba8dba906f756967f9e9ca394464a')
	})
})
