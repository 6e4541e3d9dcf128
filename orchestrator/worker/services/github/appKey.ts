import { AppError } from '@shared/contracts'
import { importPKCS8 } from 'jose'

/**
 * The private key of a GitHub App, in either form it is kept in: PKCS#1, as GitHub hands it out, or PKCS#8. Newlines may be
 * written as `\n`, as single-line secret stores do. Throws NOT_CONFIGURED.
 */
export async function importAppKey(pem: string): Promise<CryptoKey> {
	try {
		const text = pem.replaceAll('\\n', '\n').trim()
		return await importPKCS8(text.includes('BEGIN RSA PRIVATE KEY') ? wrapPKCS1(text) : text, 'RS256')
	} catch {
		// The error may quote the key.
		throw new AppError('NOT_CONFIGURED', 'GITHUB_APP_PRIVATE_KEY is no RSA private key in PEM form. Download it anew from the settings of the GitHub App.')
	}
}

/** Version 0 and the algorithm rsaEncryption, which PKCS#8 has before the PKCS#1 key. */
const PKCS8_HEAD = [0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00]

function wrapPKCS1(pem: string): string {
	const key = Array.from(atob(pem.replace(/-----[^-]+-----/g, '').replace(/\s+/g, '')), (character) => character.charCodeAt(0))
	const whole = der(0x30, [...PKCS8_HEAD, ...der(0x04, key)])
	return `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...whole))}\n-----END PRIVATE KEY-----`
}

/** One value of ASN.1's DER: tag, length, content. */
function der(tag: number, content: readonly number[]): number[] {
	const { length } = content
	const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
	return [tag, ...size, ...content]
}
