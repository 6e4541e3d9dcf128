import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, createLoudTask, openLiveSocket, startStack } from '@shared/testing/stack'
import type { Stack } from '@shared/testing/stack'
import { parseOptions } from '../dev/options.ts'
import { createListeners } from './fanoutListeners.ts'
import type { Listeners } from './fanoutListeners.ts'
import { percentile, printReport } from './report.ts'

const USAGE = 'npm run bench -- fanout [--clients N] [--rate LINES_PER_SECOND] [--seconds N] [--burst LINES] [--json]'
const CONNECT_AT_ONCE = 25
const PATIENCE_MS = 120_000

/** How fast what is logged reaches many WebSocket clients of one orchestrator, and whether each of them gets all of it. */
export async function run(args: string[]): Promise<number> {
	const options = parseOptions(args, { clients: 'string', rate: 'string', seconds: 'string', burst: 'string', json: 'boolean' }, USAGE)
	if (options === null) return 2
	const number = (name: string, otherwise: number) => Number(options[name] ?? otherwise)
	const [clients, rate, seconds, burst] = [number('clients', 1000), number('rate', 10), number('seconds', 10), number('burst', 300)]
	if (![clients, rate, seconds, burst].every((value) => Number.isInteger(value) && value > 0)) {
		process.stderr.write(`${USAGE}\n\nEach number is whole and above 0.\n`)
		return 2
	}
	const say = (text: string) => process.stderr.write(`${text}\n`)
	const stateDir = mkdtempSync(join(tmpdir(), 'vibehq-bench-'))
	const stack = await startStack({ stateDir, runners: 0, models: { emulator: [] } })
	try {
		const loud = await createLoudTask({ operator: stack.client, runner: createClient(stack.url, await stack.mint('runner', 'loud')) })
		const listeners = createListeners(clients)
		const openedMs = await openAll(stack, listeners)
		say(`${clients} clients connected in ${openedMs} ms`)
		let next = 0
		const texts = (count: number) => Array.from({ length: count }, () => `line-${next++}-`)
		await loud.say(texts(5))
		await listeners.have(next, PATIENCE_MS)

		say(`${rate} lines a second for ${seconds} s`)
		listeners.forgetDelays()
		const pacedAt = performance.now()
		for (let sent = 0; sent < rate * seconds; sent++) {
			await sleep(Math.max(0, pacedAt + (sent * 1000) / rate - performance.now()))
			await loud.say(texts(1))
		}
		await listeners.have(next, PATIENCE_MS)
		const paced = rowOf(`${clients} clients, ${rate} lines/s`, listeners, { lines: rate * seconds, ms: performance.now() - pacedAt })

		say(`${burst} lines at once`)
		listeners.forgetDelays()
		const burstAt = performance.now()
		await loud.say(texts(burst))
		await listeners.have(next, PATIENCE_MS)
		const rows = [paced, rowOf(`${clients} clients, ${burst} lines at once`, listeners, { lines: burst, ms: performance.now() - burstAt })]
		await loud.end()
		const wrong = listeners.lost() + listeners.doubled()
		printReport({ bench: 'fanout', rows, ratios: {}, targets: [{ name: 'events lost or doubled', target: 0, value: wrong, met: wrong === 0 }] }, options['json'] === true)
		listeners.close()
		return wrong === 0 ? 0 : 1
	} finally {
		await stack.stop()
		rmSync(stateDir, { recursive: true, force: true })
	}
}

async function openAll({ url, operatorToken }: Stack, { onText, count, add }: Listeners): Promise<number> {
	const startedAt = performance.now()
	for (let from = 0; from < count; from += CONNECT_AT_ONCE) {
		const indexes = Array.from({ length: Math.min(CONNECT_AT_ONCE, count - from) }, (_, index) => from + index)
		await Promise.all(indexes.map(async (index) => add(await openLiveSocket({ url, path: '/ws/tasks', token: operatorToken, onText: (text) => onText(index, text) }))))
	}
	return Math.round(performance.now() - startedAt)
}

function rowOf(name: string, listeners: Listeners, { lines, ms }: { lines: number; ms: number }): Record<string, unknown> {
	const delays = listeners.delays()
	return {
		engine: 'vibehq',
		case: name,
		lines,
		linesPerSecond: Math.round((lines * 10_000) / ms) / 10,
		events: delays.length,
		eventsPerSecond: Math.round(delays.length / (ms / 1000)),
		p50Ms: percentile(delays, 50),
		p99Ms: percentile(delays, 99),
		maxMs: percentile(delays, 100),
		lost: listeners.lost(),
		doubled: listeners.doubled(),
	}
}
