import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TaskPlan } from '@shared/contracts'
import { freePort, projectRoot, startProcess, tailOf, wranglerEnv, wranglerProgram } from '@shared/testing/stack'
import type { Stack } from './stack.ts'

export interface HealthAuditor {
	/** Fires its schedule, as the platform does each hour. */
	audit: (hour: number) => Promise<void>
	plan: (hour: number) => Promise<TaskPlan>
	stop: () => Promise<void>
}

/** A Worker of its own beside the orchestrator, with a service binding to its task queue. */
export async function startHealthAuditor(stack: Stack): Promise<HealthAuditor> {
	const port = await freePort()
	const url = `http://127.0.0.1:${port}`
	const logFile = stack.logFile('health-auditor')
	const args = [
		wranglerProgram, 'dev', '-c', join(import.meta.dirname, 'health-auditor/wrangler.jsonc'), '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort()),
		'--persist-to', join(stack.stateDir, 'health-auditor'), '--show-interactive-dev-session=false', '--local',
	]
	const managed = startProcess({ name: 'health-auditor', command: process.execPath, args, cwd: projectRoot, env: wranglerEnv(stack.stateDir), logFile })
	const call = async (path: string): Promise<unknown> => {
		const answer = await fetch(`${url}${path}`)
		const text = await answer.text()
		if (!answer.ok) throw new Error(`The health auditor answered ${answer.status}: ${text.slice(0, 500)}`)
		return text === '' ? null : JSON.parse(text)
	}
	const deadline = Date.now() + 60_000
	for (;;) {
		const isListening = await call('/').then(() => true, () => false)
		if (isListening) break
		if (managed.hasExited() || Date.now() > deadline) {
			await managed.stop()
			throw new Error(`The health auditor did not start:\n${tailOf(logFile)}`)
		}
		await sleep(50)
	}
	return {
		audit: async (hour) => void (await call(`/cdn-cgi/local/scheduled?cron=0+*+*+*+*&time=${hour}&format=json`)),
		plan: async (hour) => TaskPlan.parse(await call(`/${hour}`)),
		stop: () => managed.stop(),
	}
}
