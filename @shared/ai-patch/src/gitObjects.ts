/** What git writes where there is no object. */
export const NULL_OBJECT_ID = '0'.repeat(40)

/** The git object id (SHA-1, 40 hex digits) of a blob with this content. */
export async function blobId(bytes: Uint8Array): Promise<string> {
	const header = new TextEncoder().encode(`blob ${bytes.length}\0`)
	const object = new Uint8Array(header.length + bytes.length)
	object.set(header)
	object.set(bytes, header.length)
	return hex(new Uint8Array(await crypto.subtle.digest('SHA-1', object)))
}

function hex(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
