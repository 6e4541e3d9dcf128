import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface WatchedResult {
	exitCode: number | null
	/** Why it could not run to its end (not found, timed out, killed); absent when it exited by itself. */
	failure?: string
	/** The last lines of stdout and stderr, in the order in which they came. */
	lines: string[]
}

export interface WatchOptions {
	cwd: string
	timeoutMs: number
	/** The whole environment; absent means ours. */
	env?: Record<string, string>
	onLine?: (line: string) => void
}

const KEPT_LINES = 200

/** Runs a program to its end with stdin closed, passing its lines on as they come. Never rejects: every outcome is in the result. */
export function runWatched(command: string, args: string[], options: WatchOptions): Promise<WatchedResult> {
	const { promise, resolve } = Promise.withResolvers<WatchedResult>()
	const child = spawn(command, args, {
		cwd: options.cwd,
		...(options.env ? { env: options.env } : {}),
		stdio: ['ignore', 'pipe', 'pipe'],
	})
	const lines: string[] = []
	const keep = (line: string): void => {
		if (line.trim() === '') return
		lines.push(line)
		if (lines.length > KEPT_LINES) lines.shift()
		options.onLine?.(line)
	}
	createInterface({ input: child.stdout }).on('line', keep)
	createInterface({ input: child.stderr }).on('line', keep)
	let timedOut = false
	const timer = setTimeout(() => {
		timedOut = true
		child.kill('SIGKILL')
	}, options.timeoutMs)
	child.once('error', (error) => {
		clearTimeout(timer)
		resolve({ exitCode: null, failure: `${command} could not be started (${error.message})`, lines })
	})
	child.once('close', (exitCode, signal) => {
		clearTimeout(timer)
		const failure = timedOut ? `no end after ${options.timeoutMs / 1000} s` : signal ? `killed by ${signal}` : undefined
		resolve({ exitCode, lines, ...(failure ? { failure } : {}) })
	})
	return promise
}
