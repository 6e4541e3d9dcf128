import { decodeJwt, jwtVerify } from 'jose'
import { expect, it } from 'vitest'
import { createGitHubCredentials, createGitHubTokenCache } from './githubCredentials.ts'

const NOW = Date.parse('2026-11-20T12:00:00Z')
/** Version, algorithm and the head of the octet string, before the PKCS#1 key of 2048 bits. */
const PKCS8_HEAD_BYTES = 26

function pem(label: string, bytes: Uint8Array): string {
	return `-----BEGIN ${label}-----\n${btoa(String.fromCharCode(...bytes)).replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`
}

/** Runs where Workers run: signing, asking and reading need nothing of Node. */
it('signs as an App with either form of its key, and uses the token', async () => {
	const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }
	const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
	if (!('privateKey' in pair)) throw new Error('no pair')
	const exported = await crypto.subtle.exportKey('pkcs8', pair.privateKey)
	if (!(exported instanceof ArrayBuffer)) throw new Error('no bytes')
	const bytes = new Uint8Array(exported)
	for (const privateKey of [pem('PRIVATE KEY', bytes), pem('RSA PRIVATE KEY', bytes.slice(PKCS8_HEAD_BYTES))]) {
		const sent: Request[] = []
		const fetch: typeof globalThis.fetch = async (input, init) => {
			const request = new Request(String(input), init)
			sent.push(request)
			if (request.url.endsWith('/installation')) return Response.json({ id: 7 })
			if (request.url.endsWith('/access_tokens')) return Response.json({ token: 'ghs_made', expires_at: '2026-11-20T13:00:00Z' }, { status: 201 })
			return Response.json({ default_branch: 'main' })
		}
		const made = createGitHubCredentials({ app: { appId: '4711', privateKey }, cache: createGitHubTokenCache(), fetch, now: () => NOW })
		await made.clientFor({ owner: 'acme', repo: 'shop' }, 'read').rest.repos.get({ owner: 'acme', repo: 'shop' })
		const [jwt, , last] = sent.map(({ headers }) => headers.get('authorization')?.replace('Bearer ', '') ?? '')
		await jwtVerify(jwt ?? '', pair.publicKey, { issuer: '4711', algorithms: ['RS256'], currentDate: new Date(NOW) })
		expect(decodeJwt(jwt ?? '')).toEqual({ iss: '4711', iat: NOW / 1000 - 60, exp: NOW / 1000 + 480 })
		expect(last).toBe('ghs_made')
		expect(sent.map(({ url }) => url)).toEqual(['https://api.github.com/repos/acme/shop/installation', 'https://api.github.com/app/installations/7/access_tokens', 'https://api.github.com/repos/acme/shop'])
	}
})
