import { describe, expect, it } from 'vitest'
import { findSecrets } from './secretScan.ts'

const kinds = (text: string, tripwires: string[] = []) => findSecrets(tripwires)(text).map(({ kind }) => kind)
const base64url = (value: unknown) => btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
// Put together here, so that no scanner takes this file for a leak.
const token = { header: base64url({ alg: 'HS256', typ: 'JWT' }), payload: base64url({ sub: 'EXE-1', exp: 1 }), signature: 'x'.repeat(43) }
const jwt = `${token.header}.${token.payload}.${token.signature}`

describe('token shapes', () => {
	it.each([
		['jwt', jwt],
		['jwt', `ws://host/?ticket=${jwt}&x=1`],
		['jwt', `see docs.${jwt}`],
		['sk-key', `sk-${'proj-'}${'aB3'.repeat(10)}`],
		['sk-key', `sk-${'ant-api03-'}${'aB3_'.repeat(10)}`],
		['github-token', `ghp_${'a1B2'.repeat(9)}`],
		['github-token', `github_pat_${'a1B2_'.repeat(9)}`],
		['google-key', `AIza${'aB3-_'.repeat(7)}`],
		['aws-key', `AKIA${'A1B2'.repeat(4)}`],
		['private-key', `-----BEGIN ${'RSA PRIVATE'} KEY-----`],
		['private-key', `-----BEGIN ${'PRIVATE'} KEY-----`],
		['private-key', `-----BEGIN ${'PGP PRIVATE'} KEY BLOCK-----`],
	])('finds %s', (kind, text) => {
		expect(kinds(`const a = 1\nconst key = '${text}'\n`)).toEqual([kind])
	})

	it.each(['sk-loading-spinner-container-element', 'risk-A1B2C3D4E5F6A7B8C9D0E1F2', 'eyJhbGciOiJIUzI1NiJ9', 'a.eyJ.b', 'AKIA', '-----BEGIN CERTIFICATE-----', '-----BEGIN PUBLIC KEY-----'])(
		'leaves %j alone',
		(text) => {
			expect(kinds(text)).toEqual([])
		},
	)

	it('tells the line and never the value', () => {
		expect(findSecrets([])(`one\ntwo\n${jwt}\n`)).toEqual([{ kind: 'jwt', line: 3 }])
	})

	it.each(['sk-', '-eyJ', 'eyJ.eyJ.', '-----BEGIN A ', 'ghp_a', '\n'])('is quick on 2 MB of %j', (piece) => {
		expect(kinds(piece.repeat(Math.floor(2_000_000 / piece.length)))).toEqual([])
	})
})

describe('tripwires', () => {
	const secret = 'p@ss word/ÿ+1?&'

	it('finds a value raw and URL-encoded in either case', () => {
		expect(kinds(`x${secret}y`, [secret])).toEqual(['known-secret'])
		expect(kinds(encodeURIComponent(secret), [secret])).toEqual(['known-secret'])
		expect(kinds(encodeURIComponent(secret).toLowerCase(), [secret])).toEqual(['known-secret'])
	})

	it.each(['', 'a', 'ab', 'abc', 'abcd'])('finds a value in base64 after %j, in both alphabets', (before) => {
		const text = btoa(String.fromCharCode(...new TextEncoder().encode(`${before}${secret}-after`)))
		expect(kinds(text, [secret])).toEqual(['known-secret'])
		expect(kinds(text.replaceAll('+', '-').replaceAll('/', '_'), [secret])).toEqual(['known-secret'])
	})

	it('does not look for what is too short to mean anything', () => {
		expect(kinds('short', ['short', ''])).toEqual([])
	})

	it('finds each of several', () => {
		expect(kinds('first-secret second-secret', ['first-secret', 'second-secret', 'third-secret'])).toEqual(['known-secret', 'known-secret'])
	})
})
