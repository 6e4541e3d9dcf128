import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

export interface RunOptions {
	cwd: string
	env?: Record<string, string>
	/** After this the program and all that it started are killed; the status is then 124. */
	timeoutMs?: number
	/** Gives the program the terminal, in place of collecting its output; it then also gets the terminal's signals. */
	isShown?: boolean
}

export interface Outcome {
	status: number
	/** stdout and stderr as they came, without colours; empty when shown. */
	output: string
	durationMs: number
}

const TIMED_OUT = 124
const NOT_FOUND = 127
const live = new Set<(signal: NodeJS.Signals) => void>()

/** Runs a program, also one of the package at `cwd`; unless shown in a process group of its own, so that nothing it started outlives it. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
	const { promise, resolve } = Promise.withResolvers<Outcome>()
	const startedAt = performance.now()
	const env = { ...process.env, PATH: `${join(options.cwd, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`, ...options.env }
	const child = spawn(command, args, { cwd: options.cwd, env, detached: !options.isShown, stdio: options.isShown ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
	const chunks: Buffer[] = []
	child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
	child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
	const kill = (signal: NodeJS.Signals) => (options.isShown ? child.kill(signal) : killGroup(child, signal))
	live.add(kill)
	let isTimedOut = false
	const timer = setTimeout(() => {
		isTimedOut = true
		kill('SIGKILL')
	}, options.timeoutMs ?? 2 ** 31 - 1)
	const finish = (status: number, note = '') => {
		clearTimeout(timer)
		live.delete(kill)
		resolve({ status, output: stripVTControlCharacters(Buffer.concat(chunks).toString('utf8')) + note, durationMs: performance.now() - startedAt })
	}
	child.on('error', (error) => finish(NOT_FOUND, `could not run ${command}: ${error.message}\n`))
	child.on('close', (code) => (isTimedOut ? finish(TIMED_OUT, `\nkilled after ${options.timeoutMs} ms\n`) : finish(code ?? 1)))
	return promise
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals) {
	if (child.pid === undefined) return
	try {
		process.kill(-child.pid, signal)
	} catch {
		// It ended by itself in the meantime.
	}
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	process.on(signal, () => {
		for (const kill of live) kill(signal)
		process.exit(signal === 'SIGINT' ? 130 : 143)
	})
}

/** Calls `work` for every item, at most `width` at once, and returns the results in the order of the items. */
export async function inParallel<Item, Result>(items: readonly Item[], width: number, work: (item: Item) => Promise<Result>): Promise<Result[]> {
	const results: Result[] = []
	const queue = items.entries()
	const lane = async () => {
		for (const [index, item] of queue) results[index] = await work(item)
	}
	await Promise.all(Array.from({ length: Math.max(1, width) }, lane))
	return results
}
