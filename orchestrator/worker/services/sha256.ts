import { toHex } from './git/objects.ts'

/** SHA-256 of a text (as UTF-8) or of bytes, in hex. */
export async function sha256Of(content: string | Uint8Array): Promise<string> {
	const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
	return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
