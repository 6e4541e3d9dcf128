// For tests only: an agent CLI that speaks Claude's stream-json and does what its prompt (a JSON list of steps) says.
import { execSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'

export type StubStep =
	| { write: [path: string, content: string] }
	| { sh: string }
	| { say: string }
	/** Starts a process in a session of its own, with an environment of its own when asked. */
	| { daemon: 'marked' | 'bare' }
	| { env: string }
	| { ignoreSignals: true }
	| { hang: true }
	| { flood: number }
	| { longLine: number }
	| { error: { status: number | null; message: string } }
	| { exit: number }

const emit = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`)
const result = (fields: object): void => emit({ type: 'result', subtype: 'success', is_error: false, result: said, session_id: 's-1', usage: USAGE, ...fields })
const USAGE = { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 1, output_tokens: 7 }
let said = ''

async function play(step: StubStep): Promise<void> {
	if ('write' in step) {
		const [path, content] = step.write
		mkdirSync(dirname(path), { recursive: true })
		writeFileSync(path, content)
	} else if ('sh' in step) execSync(step.sh, { stdio: ['ignore', 'ignore', 'inherit'] })
	else if ('say' in step) {
		said = step.say
		emit({ type: 'assistant', session_id: 's-1', message: { content: [{ type: 'text', text: said }] } })
	} else if ('env' in step) {
		said = JSON.stringify(process.env)
		writeFileSync(step.env, said)
	} else if ('daemon' in step) {
		const env = step.daemon === 'bare' ? { PATH: process.env['PATH'] } : process.env
		const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000)'], { detached: true, stdio: 'inherit', env })
		child.unref()
		writeFileSync('daemon.pid', String(child.pid))
	} else if ('ignoreSignals' in step) for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
	else if ('hang' in step) await new Promise((resolve) => setTimeout(resolve, 3_600_000))
	else if ('flood' in step) {
		for (let count = 0; count < step.flood; count++) emit({ type: 'assistant', session_id: 's-1', message: { content: [{ type: 'text', text: `line ${count} ${'x'.repeat(100)}` }] } })
	} else if ('longLine' in step) process.stdout.write(`${'y'.repeat(step.longLine)}\n`)
	else if ('error' in step) {
		result({ is_error: true, api_error_status: step.error.status, result: step.error.message })
		process.exitCode = 1
		throw new Error('played an error')
	} else {
		process.exitCode = step.exit
		throw new Error('played an exit')
	}
}

const steps: StubStep[] = JSON.parse(await text(process.stdin))
emit({ type: 'system', subtype: 'init', session_id: 's-1', model: 'stub-model' })
try {
	for (const step of steps) await play(step)
	result({})
} catch (error) {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
	process.exitCode ??= 1
}
