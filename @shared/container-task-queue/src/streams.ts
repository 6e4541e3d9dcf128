import type { CommandOutput } from '@shared/contracts'

/** What stays with the task of each stream: its end, because that is where a failure is. */
export const STREAM_TAIL_CHARS = 64 * 1024
/** What is kept of a stream at all. */
export const MAX_STREAM_CHARS = 8 * 1024 * 1024

export const STREAMS = ['stdout', 'stderr'] as const
export type StreamName = (typeof STREAMS)[number]

/** A stream that is too long for the row, to be stored apart. */
export interface LongStream {
	name: StreamName
	text: string
}

/**
 * Takes long streams out of a command's output: their ends stay, with `<name>Chars` as the length of the whole. Of what is longer
 * than a stream may be at all, the beginning is dropped.
 */
export function splitStreams(output: CommandOutput): { output: CommandOutput; long: LongStream[] } {
	const long: LongStream[] = []
	const rest: Record<string, unknown> = { ...output }
	for (const name of STREAMS) {
		const text = output[name]
		if (text === undefined || text.length <= STREAM_TAIL_CHARS) continue
		long.push({ name, text: text.slice(-MAX_STREAM_CHARS) })
		rest[name] = text.slice(-STREAM_TAIL_CHARS)
		rest[`${name}Chars`] = text.length
	}
	return { output: rest, long }
}
