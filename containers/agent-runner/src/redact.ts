/** Finds known secrets in text, also when they were base64- or URL-encoded on the way. */
export interface Redactor {
	/** The text with every known secret replaced by `[redacted]`. */
	redact(text: string): string
	/** True when a known secret is in the text. */
	finds(text: string): boolean
	/** A redactor that knows these secrets too. */
	with(secrets: readonly string[]): Redactor
}

// Shorter values are too likely to be ordinary words: replacing them would only garble the output.
const MIN_SECRET_LENGTH = 8

export function createRedactor(secrets: readonly string[]): Redactor {
	const known = secrets.filter((secret) => secret.length >= MIN_SECRET_LENGTH)
	// Longest first: a form that contains another one must not be left with a tail.
	const forms = [...new Set(known.flatMap(formsOf))].sort((a, b) => b.length - a.length)
	return {
		redact: (text) => forms.reduce((result, form) => (result.includes(form) ? result.replaceAll(form, '[redacted]') : result), text),
		finds: (text) => forms.some((form) => text.includes(form)),
		with: (more) => createRedactor([...secrets, ...more]),
	}
}

function formsOf(secret: string): string[] {
	const encoded = [0, 1, 2].map((shift) => base64Core(secret, shift))
	const inJSON = JSON.stringify(secret).slice(1, -1)
	return [secret, inJSON, encodeURIComponent(secret), ...encoded, ...encoded.map(toURLAlphabet)].filter((form) => form.length >= MIN_SECRET_LENGTH)
}

/** The characters of a base64 text that depend on the secret alone, when `shift` bytes (mod 3) stand before it. */
function base64Core(secret: string, shift: number): string {
	const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)])
	const text = bytes.toString('base64').replace(/=+$/, '')
	const isLastShared = bytes.length % 3 !== 0
	return text.slice([0, 2, 3][shift], isLastShared ? -1 : undefined)
}

function toURLAlphabet(base64: string): string {
	return base64.replaceAll('+', '-').replaceAll('/', '_')
}
