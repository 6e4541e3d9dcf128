/** A secret found in a text, told by its kind and place only. */
export interface SecretHit {
	kind: string
	/** 1-based line within the text. */
	line: number
}

// Shapes that providers document for their tokens. Every pattern is linear in the text, which is as hostile as its writer likes.
const SHAPES: readonly { kind: string; pattern: RegExp }[] = [
	{ kind: 'sk-key', pattern: /\bsk-(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Z])[\w-]{20,300}/g },
	{ kind: 'github-token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})/g },
	{ kind: 'google-key', pattern: /\bAIza[\w-]{35}/g },
	{ kind: 'aws-key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
	{ kind: 'private-key', pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/g },
]

const MIN_TRIPWIRE_LENGTH = 8

/** A scanner for the known token shapes and for these values: raw, URL-encoded, and in base64 at any offset and in both alphabets. */
export function findSecrets(tripwires: readonly string[]): (text: string) => SecretHit[] {
	const needles = new Set(tripwires.filter((value) => value.length >= MIN_TRIPWIRE_LENGTH).flatMap(spellings))
	return (text) => {
		const shaped = SHAPES.flatMap(({ kind, pattern }) => hitsAt(text, kind, Array.from(text.matchAll(pattern), ({ index }) => index)))
		const tokens = hitsAt(text, 'jwt', findJWTs(text))
		const wired = [...needles].flatMap((needle) => {
			const at = text.indexOf(needle)
			return at === -1 ? [] : hitsAt(text, 'known-secret', [at])
		})
		return [...shaped, ...tokens, ...wired]
	}
}

/** Where runs of token characters hold header, payload (both JSON objects in base64url) and signature, joined by dots. */
function findJWTs(text: string): number[] {
	if (!text.includes('.eyJ')) return []
	return Array.from(text.matchAll(/[\w.-]{40,}/g)).flatMap(({ 0: run, index }) => {
		const pieces = run.split('.')
		const isToken = pieces.some((header, at) => {
			const [payload = '', signature = ''] = pieces.slice(at + 1, at + 3)
			return header.includes('eyJ') && header.length >= 11 && payload.startsWith('eyJ') && payload.length >= 11 && signature.length >= 20
		})
		return isToken ? [index] : []
	})
}

function spellings(value: string): string[] {
	const encoded = encodeURIComponent(value.toWellFormed())
	const lowerCased = encoded.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())
	const base64 = [0, 1, 2].map((offset) => base64Core(new TextEncoder().encode(value), offset))
	return [value, encoded, lowerCased, ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))]
}

/** The part of the base64 of any text with `value` at this offset (modulo 3) that does not depend on what stands around it. */
function base64Core(value: Uint8Array, offset: number): string {
	const text = btoa(String.fromCharCode(...new Uint8Array(offset), ...value))
	const firstWhole = offset === 0 ? 0 : offset + 1
	const lastWhole = Math.floor(((offset + value.length) * 8) / 6)
	return text.slice(firstWhole, lastWhole)
}

/** `places` in their order in the text: every line is counted once, however many hits there are. */
function hitsAt(text: string, kind: string, places: readonly number[]): SecretHit[] {
	let [line, end] = [1, text.indexOf('\n')]
	return places.map((place) => {
		for (; end !== -1 && end < place; end = text.indexOf('\n', end + 1)) line += 1
		return { kind, line }
	})
}
