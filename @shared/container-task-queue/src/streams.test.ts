import { describe, expect, it } from 'vitest'
import { MAX_STREAM_CHARS, splitStreams, STREAM_TAIL_CHARS } from './streams.ts'

describe('splitStreams', () => {
	it('leaves short streams where they are', () => {
		const output = { exitCode: 1, stdout: 'x'.repeat(STREAM_TAIL_CHARS), stderr: '' }
		expect(splitStreams(output)).toEqual({ output, long: [] })
	})

	it('keeps the end of a long one and hands out the whole', () => {
		const text = `${'x'.repeat(STREAM_TAIL_CHARS)}end`
		const { output, long } = splitStreams({ exitCode: 0, stdout: 'short', stderr: text, more: 1 })
		expect(output).toEqual({ exitCode: 0, stdout: 'short', stderr: text.slice(3), stderrChars: text.length, more: 1 })
		expect(long).toEqual([{ name: 'stderr', text }])
	})

	it('drops the beginning of one that is longer than any may be', () => {
		const { output, long } = splitStreams({ stdout: `begin${'y'.repeat(MAX_STREAM_CHARS)}` })
		expect(long[0]?.text).toBe('y'.repeat(MAX_STREAM_CHARS))
		expect(output['stdoutChars']).toBe(MAX_STREAM_CHARS + 5)
	})
})
