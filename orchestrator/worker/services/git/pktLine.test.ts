import { expect, it } from 'vitest'
import { concatBytes } from './objects.ts'
import { parsePktLines, pktDelimiter, pktFlush, pktLine, pktText } from './pktLine.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

it('writes the length in bytes and reads back what it wrote', () => {
	expect(new TextDecoder().decode(pktLine('é\n'))).toBe('0007é\n')
	const stream = concatBytes([pktLine('command=ls-refs\n'), pktDelimiter(), pktLine('ref-prefix refs/heads/é'), pktFlush()])
	const read = parsePktLines(stream).map((pkt) => (pkt.kind === 'data' ? pktText(pkt.bytes) : pkt.kind))
	expect(read).toEqual(['command=ls-refs', 'delimiter', 'ref-prefix refs/heads/é', 'flush'])
})

it.each(['zzzz', '00', '0003', '0010short', '<html>'])('refuses %j', (text) => {
	expect(() => parsePktLines(bytes(text))).toThrow(RangeError)
})
