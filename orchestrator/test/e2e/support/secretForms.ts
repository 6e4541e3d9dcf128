/** One way to write a secret, as bytes to look for. */
export interface Needle {
	/** Tells which secret and how written, without telling it. */
	name: string
	bytes: Buffer
}

/** The spellings in which each secret may have got away: as it is, URL-encoded, in hexadecimal, and in base64 wherever it begins in a longer text. */
export function needlesOf(secrets: readonly string[]): Needle[] {
	return secrets.flatMap((secret, index) => {
		const hex = Buffer.from(secret).toString('hex')
		const base64 = [0, 1, 2].map((offset) => base64Core(secret, offset))
		const forms: [string, string[]][] = [
			['as it is', [secret]],
			['URL-encoded', [encodeURIComponent(secret)]],
			['in hexadecimal', [hex, hex.toUpperCase()]],
			['in base64', [...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))]],
			['in UTF-16', [Buffer.from(secret, 'utf16le').toString('latin1')]],
		]
		const unique = new Map(forms.flatMap(([form, texts]) => texts.map((text) => [text, form] as const)).toReversed())
		return Array.from(unique, ([text, form]) => ({ name: `secret ${index} ${form}`, bytes: Buffer.from(text, 'latin1') }))
	})
}

/** What of the base64 does not depend on what stands before and after the secret. */
function base64Core(secret: string, offset: number): string {
	const text = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]).toString('base64').replaceAll('=', '')
	return text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + Buffer.byteLength(secret)) * 8) / 6))
}
