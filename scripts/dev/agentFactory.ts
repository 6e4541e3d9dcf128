import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentFactoryConfig, freePort, projectRoot, startProcess, tailOf, wranglerEnv, wranglerProgram } from '@shared/testing/stack'

/** Starts the agent factory under its own `wrangler dev`; it finds the orchestrator through the registry of the state folder. */
export async function startAgentFactory({ stateDir, token }: { stateDir: string; token: string }) {
	const envFile = join(stateDir, 'agent-factory.env')
	writeFileSync(envFile, `FACTORY_TOKEN='${token}'\n`, { mode: 0o600 })
	const port = await freePort()
	const args = [
		wranglerProgram, 'dev', '-c', agentFactoryConfig, '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort()),
		'--persist-to', join(stateDir, 'wrangler-agent-factory'), '--env-file', envFile, '--show-interactive-dev-session=false', '--local',
	]
	const logFile = join(stateDir, 'logs/agent-factory.log')
	const managed = startProcess({ name: 'agent-factory', command: process.execPath, args, cwd: projectRoot, env: wranglerEnv(stateDir), logFile })
	const url = `http://127.0.0.1:${port}`
	for (let tries = 0; tries < 600 && !managed.hasExited(); tries++) {
		const isUp = await fetch(`${url}/health`).then((answer) => answer.ok, () => false)
		if (isUp) return { url, process: managed, stop: () => managed.stop() }
		await sleep(50)
	}
	await managed.stop()
	throw new Error(`The agent factory did not start. Its log (${logFile}) ends with:\n${tailOf(logFile)}`)
}
