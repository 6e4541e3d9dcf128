// ignoreBOM keeps a byte order mark as content, so that decoding and encoding again gives the same bytes.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The text of `bytes`, or null where an operation on lines makes no sense: not UTF-8, or with a NUL (what git calls binary). */
export function decodeText(bytes: Uint8Array): string | null {
	if (bytes.includes(0)) return null
	return decodeUTF8(bytes)
}

/** The text of `bytes`, NUL included, or null if they are not UTF-8. */
export function decodeUTF8(bytes: Uint8Array): string | null {
	try {
		return decoder.decode(bytes)
	} catch {
		return null
	}
}

export function encodeText(text: string): Uint8Array {
	return encoder.encode(text)
}
