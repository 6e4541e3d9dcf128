import { describe, expect, it } from 'vitest'
import { parseGitHubRepo } from './githubRepo.ts'
import { MAX_BODY_LENGTH, pullRequestBody } from './pullRequestBody.ts'
import type { PullRequestFacts } from './pullRequestBody.ts'
import { fenced, inlineCode, plainLine } from './untrustedText.ts'

const facts: PullRequestFacts = {
	orderId: 'ORD-7K2M9Q',
	summary: 'Fixed the sum.',
	evidence: [{ name: 'npm test', isPassed: true, output: '12 passed' }, { name: 'npm run lint', isPassed: false }],
	cost: { microUSD: 123_456, unpricedCalls: 0 },
	auditURL: 'https://hq.example/orders/ORD-7K2M9Q',
	patchSets: [{ patchSetId: 'PST-1', executionId: 'EXE-1', provider: 'codex', commit: 'a'.repeat(40) }],
}

/** What of a text stands outside every block and line of code. */
const outside = (text: string) => text.replace(/^(`{3,})text\n[^]*?^\1$/gm, '').replace(/`[^`\n]+`/g, '')

describe('pullRequestBody', () => {
	it('says all there is to say', () => {
		const body = pullRequestBody(facts)
		for (const part of ['`ORD-7K2M9Q`', 'Fixed the sum.', '- passed: `npm test`', '- **failed**: `npm run lint`', '12 passed', '$0.1235.', '(https://hq.example/orders/ORD-7K2M9Q)', '`PST-1` | `EXE-1` | `codex`']) {
			expect(body).toContain(part)
		}
		expect(pullRequestBody(facts)).toBe(body)
	})

	it('says it too where there is little', () => {
		const body = pullRequestBody({ ...facts, summary: ' ', evidence: [], cost: null, auditURL: null, patchSets: [] })
		for (const part of ['It said nothing.', 'Nothing was run', 'Nothing yet.', 'Not known.']) expect(body).toContain(part)
		expect(pullRequestBody({ ...facts, cost: { microUSD: 5, unpricedCalls: 2 } })).toContain('At least $0.0000; 2 model calls')
	})

	it.each([
		['a mention', '@acme/everyone look'],
		['a keyword', 'Closes #1, fixes acme/shop#2'],
		['an end of the block', 'x\n```\n@acme\n```\n'],
		['a longer end', `x\n${'`'.repeat(4)}\n@acme fixes #1\n${'~'.repeat(4)}`],
		['a very long end', `x\n${'`'.repeat(500)}\n@acme fixes #1`],
		['an image', '![x](https://evil.example/?track)'],
		['HTML', '</pre><!-- hidden --><img src=x>@acme'],
		['a carriage return before an end', 'x\r```\r@acme fixes #1'],
	])('keeps %s inside a block of code', (_name, text) => {
		const body = pullRequestBody({ ...facts, summary: text, evidence: [{ name: `${text}`, isPassed: false, output: text }], patchSets: [{ patchSetId: text, executionId: text, provider: text, commit: text }] })
		expect(outside(body)).not.toMatch(/@acme|#\d|evil|<img|<!--|\[x\]/)
	})

	it('is bounded, whatever comes', () => {
		const long = '`'.repeat(3).concat('x\n').repeat(40_000)
		const many = Array.from({ length: 2000 }, (_, at) => ({ name: `${at}${long}`, isPassed: true, output: long }))
		const patchSets = Array.from({ length: 2000 }, () => ({ patchSetId: long, executionId: long, provider: long, commit: long }))
		const body = pullRequestBody({ ...facts, orderId: long, summary: long, evidence: many, patchSets })
		expect(body.length).toBeLessThanOrEqual(MAX_BODY_LENGTH)
		expect(body).toContain('### What it cost')
		expect(body).toContain('and 1940 more')
	})

	it.each(['javascript:alert(1)', 'not a url', 'https://hq.example/a)[x](b'])('takes %j for no way out of the link', (auditURL) => {
		expect(pullRequestBody({ ...facts, auditURL })).not.toMatch(/javascript|not a url|\)\[x\]/)
	})
})

describe('single lines', () => {
	it('lose what pings, refers and reorders', () => {
		expect(plainLine('Fix @team and #12, GH-3, https://github.com/a/b/issues/1\n\u202etxt', 200)).toBe('Fix @\u200bteam and #\u200b12, GH-\u200b3, https:\u200b//github.com/a/b/issues/1 txt')
		expect(plainLine('x'.repeat(300), 20)).toBe(`${'x'.repeat(19)}…`)
		expect(plainLine('\u{1f600}'.repeat(20), 6).isWellFormed()).toBe(true)
	})
	it('stay in their cell', () => {
		expect(inlineCode('a|b`c\\d\ne')).toBe('`a b c d e`')
		expect(inlineCode('``')).toBe('-')
		expect(fenced('a', 10)).toBe('```text\na\n```')
	})
})

describe('parseGitHubRepo', () => {
	it('takes owner and name', () => expect(parseGitHubRepo('acme/shop.js')).toEqual({ owner: 'acme', repo: 'shop.js' }))
	it.each(['acme', 'acme/', '/shop', 'a/b/c', '../..', 'acme/..', 'acme/.', 'acme/sh op', 'acme/shop?x', '-a/b', 'a%2fb/c', `a/${'b'.repeat(101)}`])('refuses %j', (text) => {
		expect(() => parseGitHubRepo(text)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
	})
})
