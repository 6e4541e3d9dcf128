import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, projectRoot, startStack } from '@shared/testing/stack'
import { startAgentFactory } from './agentFactory.ts'
import { chooseModels, defaultScenarios, readScenarios } from './environment.ts'
import { parseOptions } from './options.ts'

const USAGE = `npm start -- [--port N] [--runners N] [--scenario FILE] [--state DIR]

Starts the orchestrator and the agent factory on this machine, and runners as the work asks for them, at
most N (4). The models are an emulator where .dev.vars holds no provider key. Ctrl-C stops everything.`
const SWEEP_MS = 15_000
const MAX_RUNNERS = 32
/** One runner waits for the first order. Every stop of this program is the end of runners that is nobody's fault, hence the budget. */
const POOL = { min: 1, idleMs: 60_000, probeIntervalMs: 5_000, restartBudget: 100 }

/** Brings the whole system up and keeps it up until a signal comes. */
export async function run(args: string[]): Promise<number> {
	const options = parseOptions(args, { port: 'string', runners: 'string', scenario: 'string', state: 'string', help: 'boolean' }, USAGE)
	if (options === null) return 2
	if (options['help']) return print(USAGE)
	const max = Number(options['runners'] ?? 4)
	if (!Number.isInteger(max) || max < 1 || max > MAX_RUNNERS) return complain(`--runners is a whole number from 1 to ${MAX_RUNNERS}.`)
	const stateDir = String(options['state'] ?? join(projectRoot, '.vibehq/state'))
	const { models, vars, banner } = chooseModels(options['scenario'] ? readScenarios(String(options['scenario'])) : defaultScenarios())
	const port = options['port'] ? Number(options['port']) : await preferredPort(8787)
	print('Starting orchestrator, agent factory and runners ...')
	const stopped = new AbortController()
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())

	const factoryToken = `factory_${randomBytes(18).toString('base64url')}`
	const stack = await startStack({ stateDir, port, pool: { ...POOL, max }, models, vars })
	const factory = await startAgentFactory({ stateDir, token: factoryToken }).catch(async (error: unknown) => {
		await stack.stop()
		throw error
	})
	print(`
  orchestrator   ${stack.url}            (API: ${stack.url}/openapi.json)
  agent factory  ${factory.url}
  models         ${banner}
  runners        1 to ${max}, as the work asks for them: ${stack.url}/api/containers/status
  logs           ${join(stateDir, 'logs')}

  operator token ${stack.operatorToken}
  factory token  ${factoryToken}

Try:
  curl -s ${stack.url}/api/orders -H "Authorization: Bearer <operator token>" -H "Content-Type: application/json" \\
    -d '{"prompt":"Write a note","workspace":{"kind":"hosted"}}'

Ctrl-C stops everything.`)
	try {
		while (!stopped.signal.aborted) {
			// wrangler dev never fires a cron by itself. The first one also starts the first runner.
			await stack.client.sweep().catch(() => undefined)
			await sleep(SWEEP_MS, undefined, { signal: stopped.signal }).catch(() => undefined)
			if (factory.process.hasExited() && !stopped.signal.aborted) return complain(`${factory.process.name} stopped by itself; see ${join(stateDir, 'logs')}`)
		}
	} finally {
		print('\nStopping ...')
		await factory.stop()
		await stack.stop()
	}
	print('Stopped.')
	return 0
}

/** The well-known port when it is free, else any. */
async function preferredPort(wanted: number): Promise<number> {
	const { createServer } = await import('node:net')
	const isFree = await new Promise<boolean>((resolve) => {
		const server = createServer()
		server.once('error', () => resolve(false))
		server.listen(wanted, '127.0.0.1', () => server.close(() => resolve(true)))
	})
	return isFree ? wanted : freePort()
}

function complain(text: string): number {
	process.stderr.write(`${text}\n`)
	return 1
}

function print(text: string): number {
	process.stdout.write(`${text}\n`)
	return 0
}
