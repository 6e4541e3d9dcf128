import { expect, it } from 'vitest'
import { commitMessage } from './commitMessage.ts'

const trailers = { Order: 'ORD-7K2M9Q', Provider: 'codex' }
const END = 'Order: ORD-7K2M9Q\nProvider: codex'

it.each([
	['Fix add', `Fix add\n\n${END}`],
	['  # Fix add \r\n\r\nBecause.\r\n', `Fix add\n\nBecause.\n\n${END}`],
	['Fix add\nIt subtracted.', `Fix add\n\nIt subtracted.\n\n${END}`],
	['', `Change made by an agent\n\n${END}`],
	['Fixes #12, closes GH-3 and acme/shop#4', `Fixes #\u200b12, closes GH-\u200b3 and acme/shop#\u200b4\n\n${END}`],
	['Thank @octocat\n\nResolves https://github.com/a/b/issues/1', `Thank @\u200boctocat\n\nResolves https:\u200b//github.com/a/b/issues/1\n\n${END}`],
	['Bump c# to # 9 for a@ b', `Bump c# to # 9 for a@ b\n\n${END}`],
	['\0\x1b[31mred', `[31mred\n\n${END}`],
])('makes of %j', (text, message) => {
	expect(commitMessage(text, trailers)).toBe(message)
})

it('cuts a long first line at a word and keeps it whole below', () => {
	const text = 'word '.repeat(40).trim()
	const [subject, , body] = commitMessage(text, trailers).split('\n')
	expect(subject?.length).toBeLessThanOrEqual(72)
	expect(subject?.endsWith('word…')).toBe(true)
	expect(body).toBe(text)
})

it('bounds the body', () => {
	expect(commitMessage(`s\n${'x'.repeat(100_000)}`, trailers).length).toBeLessThan(8200)
})

it('lets neither text nor value forge a trailer', () => {
	const lines = commitMessage('s\n\nOrder: ORD-FORGED', { Provider: 'a\nOrder: ORD-FORGED' }).split('\n\n')
	expect(lines.at(-1)).toBe('Provider: a Order: ORD-FORGED')
})
