import type { Isolation, Launched, LaunchSpec } from './isolation/isolation.ts'
import { createLineSplitter } from './lineSplitter.ts'
import { createTail } from './tail.ts'

/** Who ended it: the program itself, or which limit of ours. After one of ours the exit code says nothing. */
export type Ending = 'exited' | 'timeout' | 'stalled' | 'aborted' | 'given-up'

export interface ExecuteOptions {
	isolation: Isolation
	spec: LaunchSpec
	stdin?: string
	wallClockMs: number
	/** Ends a program that has written no line on stdout for so long. */
	stallMs?: number
	signal: AbortSignal
	/** Gets stdout line by line; answers `stop` when there is no point in going on, `last-chance` when there is none without another line soon. */
	onLine?: (line: string) => 'stop' | 'last-chance' | void
	onWarning?: (text: string) => void
	/** Bytes kept of the end of stdout and of stderr, each. */
	tailBytes?: number
	/** Between asking the program to stop and killing it. */
	graceMs?: number
}

export interface Executed {
	ending: Ending
	exitCode: number | null
	signal: string | null
	stdoutTail: string
	stderrTail: string
	/** Why it never ran. */
	startError: string | null
}

const MAX_LINE_BYTES = 10 * 1024 * 1024
const PIPE_CLOSE_MS = 1000
const LAST_CHANCE_MS = 60_000

/** Runs one program under isolation and its limits. When this resolves, no process of the run is left. Never rejects. */
export async function execute(options: ExecuteOptions): Promise<Executed> {
	const { isolation, spec } = options
	const launched = isolation.launch(spec)
	const { child } = launched
	const watch = watchLimits(launched, options)
	const { stdoutTail, stderrTail } = readOutput(launched, options, watch)
	child.stdin.on('error', () => {})
	child.stdin.end(options.stdin ?? '')
	const exit = await new Promise<{ exitCode: number | null; signal: string | null; startError: string | null }>((resolve) => {
		child.once('error', (error) => resolve({ exitCode: null, signal: null, startError: error.message }))
		child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, startError: null }))
	})
	watch.stop()
	await launched.destroy()
	await closed(launched)
	return { ending: watch.ending(), ...exit, stdoutTail: stdoutTail(), stderrTail: stderrTail() }
}

interface Watch {
	sawLine(): void
	giveUp(afterMs: number): void
	stop(): void
	ending(): Ending
}

function watchLimits(launched: Launched, { wallClockMs, stallMs, signal, graceMs = 3000 }: ExecuteOptions): Watch {
	let ending: Ending = 'exited'
	let killTimer: NodeJS.Timeout | undefined
	let lastChanceTimer: NodeJS.Timeout | undefined
	let hasStopped = false
	const end = (reason: Ending): void => {
		if (ending !== 'exited' || hasStopped) return
		ending = reason
		launched.terminate()
		killTimer = setTimeout(() => void launched.destroy(), graceMs)
	}
	const wallTimer = setTimeout(() => end('timeout'), wallClockMs)
	const stallTimer = stallMs === undefined ? undefined : setTimeout(() => end('stalled'), stallMs)
	const onAbort = (): void => end('aborted')
	signal.addEventListener('abort', onAbort, { once: true })
	if (signal.aborted) onAbort()
	return {
		sawLine() {
			stallTimer?.refresh()
			clearTimeout(lastChanceTimer)
		},
		giveUp(afterMs) {
			// At once: a timer would be cleared by the next line of the same chunk.
			if (afterMs === 0) return end('given-up')
			clearTimeout(lastChanceTimer)
			lastChanceTimer = setTimeout(() => end('given-up'), afterMs)
		},
		stop() {
			hasStopped = true
			clearTimeout(wallTimer)
			clearTimeout(stallTimer)
			clearTimeout(killTimer)
			clearTimeout(lastChanceTimer)
			signal.removeEventListener('abort', onAbort)
		},
		ending: () => ending,
	}
}

function readOutput({ child }: Launched, options: ExecuteOptions, watch: Watch): { stdoutTail: () => string; stderrTail: () => string } {
	const { onLine, onWarning, tailBytes = 16 * 1024 } = options
	const [out, err] = [createTail(tailBytes), createTail(tailBytes)]
	const lines = createLineSplitter({
		maxLineBytes: MAX_LINE_BYTES,
		onLine(line) {
			watch.sawLine()
			const verdict = onLine?.(line)
			if (verdict === 'stop') watch.giveUp(0)
			else if (verdict === 'last-chance') watch.giveUp(LAST_CHANCE_MS)
		},
		onDropped: (byteCount) => onWarning?.(`A line of ${byteCount} bytes on stdout was left out.`),
	})
	child.stdout.on('data', (chunk: Buffer) => {
		out.push(chunk)
		if (onLine) lines.push(chunk)
		else watch.sawLine()
	})
	child.stdout.once('end', () => lines.end())
	child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
	return { stdoutTail: out.text, stderrTail: err.text }
}

/** Waits for what is still in the pipes; a pipe that somebody out of reach holds open is left. */
async function closed({ child }: Launched): Promise<void> {
	const ended = [child.stdout, child.stderr].map(
		(stream) => new Promise<void>((resolve) => (stream.closed || stream.destroyed ? resolve() : void stream.once('close', resolve))),
	)
	let timer: NodeJS.Timeout | undefined
	const limit = new Promise<void>((resolve) => {
		timer = setTimeout(resolve, PIPE_CLOSE_MS)
	})
	await Promise.race([Promise.all(ended), limit])
	clearTimeout(timer)
	child.stdout.destroy()
	child.stderr.destroy()
}
