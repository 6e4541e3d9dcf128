import { text } from 'node:stream/consumers'
import { isAppError } from '@shared/contracts'
import { startHealthServer } from './healthServer.ts'
import { readOptions } from './options.ts'
import { startPoolMembership } from './poolMembership.ts'
import { createRedactor } from './redact.ts'
import { startRunner } from './runner.ts'

// Prints one JSON line per event on stdout. SIGTERM and SIGINT end the running task as retryable and then the process.

const env = { ...process.env }
delete process.env['ORCHESTRATOR_TOKEN']

const print = (event: string, fields: Record<string, unknown>): void => {
	process.stdout.write(`${JSON.stringify({ at: Date.now(), event, ...fields })}\n`)
}

try {
	const options = await readOptions(process.argv.slice(2), env, () => text(process.stdin))
	const { redact } = createRedactor([options.runnerToken])
	const log = (event: string, fields: Record<string, unknown>): void => {
		process.stdout.write(`${redact(JSON.stringify({ at: Date.now(), event, ...fields }))}\n`)
	}
	const runner = await startRunner(options, { log })
	const health = options.healthPort === null ? null : await startHealthServer({ port: options.healthPort, status: runner.status, now: Date.now })
	if (health) log('health-ready', { port: health.port })
	const membership = options.pool === null ? null : startPoolMembership({ ...options, role: options.pool, port: health?.port ?? null }, { runner, log })
	const stop = (signal: string): void => {
		log('runner-stopping', { signal })
		void runner.stop()
	}
	process.once('SIGTERM', stop)
	process.once('SIGINT', stop)
	await runner.done
	await membership?.leave()
	log('runner-stopped', {})
	// Installations that are still under way must not hold the process.
	process.exit(0)
} catch (error) {
	print('runner-failed', { code: isAppError(error) ? error.code : 'INTERNAL', message: error instanceof Error ? error.message : String(error) })
	process.exitCode = isAppError(error) && error.code === 'INVALID_INPUT' ? 2 : 1
}
