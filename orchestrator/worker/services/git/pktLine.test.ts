import { expect, it } from 'vitest'
import { concatBytes } from './objects.ts'
import { parsePktLines, pktDelimiter, pktFlush, pktLine } from './pktLine.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

it('writes the length in bytes and reads back what it wrote', () => {
	expect(new TextDecoder().decode(pktLine('é\n'))).toBe('0007é\n')
	const stream = concatBytes([pktLine('command=ls-refs\n'), pktDelimiter(), pktLine('ref-prefix refs/heads/é'), pktFlush()])
	expect(parsePktLines(stream)).toEqual([
		{ kind: 'data', text: 'command=ls-refs' },
		{ kind: 'delimiter' },
		{ kind: 'data', text: 'ref-prefix refs/heads/é' },
		{ kind: 'flush' },
	])
})

it.each(['zzzz', '00', '0003', '0010short', '<html>'])('refuses %j', (text) => {
	expect(() => parsePktLines(bytes(text))).toThrow(RangeError)
})
