import { spawn } from 'node:child_process'
import { createTail } from './tail.ts'

export interface ProgramRequest {
	bin: string
	args: readonly string[]
	/** The whole environment; nothing is inherited. */
	env: Record<string, string>
	cwd?: string
	input?: string
	timeoutMs?: number
	maxOutputBytes?: number
	signal?: AbortSignal | undefined
}

export interface ProgramResult {
	/** Null when it was killed or never started; `stderr` then says why. */
	exitCode: number | null
	stdout: Buffer
	stderr: string
	isTooLong: boolean
}

/** Runs one of the runner's own programs (git, python, docker) to its end. Never rejects: every outcome is in the result. */
export function runProgram(request: ProgramRequest): Promise<ProgramResult> {
	const { maxOutputBytes = 64 * 1024 * 1024, timeoutMs = 600_000 } = request
	const { promise, resolve } = Promise.withResolvers<ProgramResult>()
	const child = spawn(request.bin, request.args, {
		env: request.env,
		...(request.cwd ? { cwd: request.cwd } : {}),
		stdio: [request.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
	})
	const parts: Buffer[] = []
	const errors = createTail(8192)
	let size = 0
	let note = ''
	const kill = (reason: string): void => {
		note ||= reason
		child.kill('SIGKILL')
	}
	const timer = setTimeout(() => kill(`no end after ${timeoutMs} ms`), timeoutMs)
	const onAbort = (): void => kill('stopped')
	request.signal?.addEventListener('abort', onAbort, { once: true })
	child.stdout?.on('data', (chunk: Buffer) => {
		size += chunk.length
		if (size > maxOutputBytes) kill(`more than ${maxOutputBytes} bytes of output`)
		else parts.push(chunk)
	})
	child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
	const finish = (exitCode: number | null): void => {
		clearTimeout(timer)
		request.signal?.removeEventListener('abort', onAbort)
		const stderr = [errors.text().trim(), note].filter(Boolean).join('\n')
		resolve({ exitCode, stdout: Buffer.concat(parts), stderr, isTooLong: size > maxOutputBytes })
	}
	child.once('error', (error) => {
		note ||= `${request.bin} could not be started (${error.message})`
		finish(null)
	})
	child.once('close', (code) => finish(code))
	if (request.signal?.aborted) onAbort()
	// A program that ends before it has read everything is judged by its exit code, not by the broken pipe.
	child.stdin?.on('error', () => {})
	child.stdin?.end(request.input)
	return promise
}
