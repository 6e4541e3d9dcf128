import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, projectRoot, startProcess, tailOf, wranglerEnv, wranglerProgram } from '@shared/testing/stack'
import type { Stack } from './stack.ts'

export interface QueueSender {
	/** Puts one message into the queue that the orchestrator consumes. */
	send: (message: unknown) => Promise<void>
	stop: () => Promise<void>
}

/** A Worker of its own beside the orchestrator, with a producer of its queue: for messages that come twice, late or malformed. */
export async function startQueueSender(stack: Stack): Promise<QueueSender> {
	const port = await freePort()
	const logFile = stack.logFile('queue-sender')
	const args = [
		wranglerProgram, 'dev', '-c', join(import.meta.dirname, 'queue-sender/wrangler.jsonc'), '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort()),
		'--persist-to', join(stack.stateDir, 'queue-sender'), '--show-interactive-dev-session=false', '--local',
	]
	const managed = startProcess({ name: 'queue-sender', command: process.execPath, args, cwd: projectRoot, env: wranglerEnv(stack.stateDir), logFile })
	const send = async (message: unknown): Promise<void> => {
		const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(message) })
		if (answer.status !== 202) throw new Error(`The queue sender answered ${answer.status}: ${await answer.text()}`)
	}
	const deadline = Date.now() + 60_000
	for (;;) {
		const isListening = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'not JSON' }).then(() => true, () => false)
		if (isListening) return { send, stop: () => managed.stop() }
		if (managed.hasExited() || Date.now() > deadline) {
			await managed.stop()
			throw new Error(`The queue sender did not start:\n${tailOf(logFile)}`)
		}
		await sleep(50)
	}
}
