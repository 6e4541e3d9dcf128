import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeEach, describe, expect, it } from 'vitest'
import { claudeRequest } from './goldenRequests.ts'

let dir: string

beforeEach(async () => {
	dir = await mkdtemp(join(tmpdir(), 'emulator-main-'))
	return () => rm(dir, { recursive: true })
})

async function run(scenarios: string): Promise<{ child: ReturnType<typeof spawn>; firstLine: string | undefined; errors: () => string }> {
	const file = join(dir, 'scenarios.json')
	await writeFile(file, scenarios)
	const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--port', '0', '--scenarios', file, '--log'], { stdio: ['ignore', 'pipe', 'pipe'] })
	let errors = ''
	child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
	for await (const line of createInterface({ input: child.stdout })) return { child, firstLine: line, errors: () => errors }
	return { child, firstLine: undefined, errors: () => errors }
}

describe('main', () => {
	it.each(['SIGTERM', 'SIGINT'] as const)('prints its URL, serves, and stops on %s', { timeout: 30_000 }, async (signal) => {
		const { child, firstLine = '', errors } = await run('[{ "name": "x", "match": "hello", "steps": [{ "say": "Hello." }] }]')
		const { url } = JSON.parse(firstLine)
		const { path, headers, body } = claudeRequest('hello')
		const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
		expect(await response.text()).toContain('"Hello. [model emulator]')
		child.kill(signal)
		expect(await once(child, 'exit')).toEqual([0, null])
		expect(errors()).toContain('No model answers here.')
		expect(errors()).toContain('"scenario":"x"')
	})

	it.each(['{ not JSON', '[{ "name": "x" }]'])('refuses the scenarios %s', { timeout: 30_000 }, async (scenarios) => {
		const { child, firstLine, errors } = await run(scenarios)
		if (child.exitCode === null) await once(child, 'exit')
		expect(firstLine).toBeUndefined()
		expect(child.exitCode).toBe(1)
		expect(errors()).toContain('vibehq-model-emulator could not start')
	})
})
