import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'

const PROGRAM = join(import.meta.dirname, 'main.ts')
let dir: string

beforeEach(async () => {
	dir = await mkdtemp(join(tmpdir(), 'fake-jules-main-'))
	return () => rm(dir, { recursive: true })
})

describe('main', () => {
	it('prints its URL, serves, and stops on SIGTERM', { timeout: 30_000 }, async () => {
		const scenarios = join(dir, 'scenarios.json')
		await writeFile(scenarios, '[{ "name": "x", "match": "hello", "steps": [{ "say": "Hello." }] }]')
		const child = spawn(process.execPath, [PROGRAM, '--scenarios', scenarios, '--source', 'acme/shop', '--key', 'k'], { stdio: ['ignore', 'pipe', 'ignore'] })
		let firstLine = ''
		for await (const line of createInterface({ input: child.stdout })) {
			firstLine = line
			break
		}
		const { url } = JSON.parse(firstLine)
		const source = await fetch(`${url}/v1alpha/sources/github/acme/shop`, { headers: { 'x-goog-api-key': 'k' } })
		expect(await source.json()).toMatchObject({ id: 'github/acme/shop' })
		child.kill('SIGTERM')
		expect(await once(child, 'exit')).toEqual([0, null])
	})

	it('refuses a source that is none', { timeout: 30_000 }, async () => {
		await expect(promisify(execFile)(process.execPath, [PROGRAM, '--source', 'shop'])).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('--source shop is not owner/repo') })
	})
})
