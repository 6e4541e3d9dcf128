import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ORCHESTRATOR_BINDINGS } from '@shared/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseJSONC } from '../lib/jsonc.ts'
import { wranglerBaseCheck, writeWranglerBase } from './wranglerBase.ts'

let root = ''
const put = (path: string, text: string) => {
	mkdirSync(dirname(join(root, path)), { recursive: true })
	writeFileSync(join(root, path), text)
}
const get = (path: string) => parseJSONC(readFileSync(join(root, path), 'utf8'))

beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'vibehq-wrangler-'))
	put('@shared/base/wrangler.base.jsonc', '{ "$schema": "x", "compatibility_date": "2026-11-01", "compatibility_flags": ["nodejs_compat"], "services": [] }')
	put('orchestrator/wrangler.jsonc', '{ "name": "vibehq-orchestrator", "compatibility_date": "2026-11-01", "compatibility_flags": ["nodejs_compat"] }')
	put('apps/a/wrangler.jsonc', '{\n\t"name": "a-worker", // ours\n\t"compatibility_date": "2025-01-01",\n\t"services": [{ "binding": "OTHER", "service": "o" }, { "binding": "ORCHESTRATOR_GONE", "service": "vibehq-orchestrator" }]\n}')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('wrangler-base', () => {
	it('finds every difference, writes it, and then finds none', async () => {
		const { problems } = await wranglerBaseCheck.run(root)
		expect(problems).toEqual([
			expect.stringContaining('wrangler.base.jsonc: services'),
			expect.stringContaining('apps/a/wrangler.jsonc: compatibility_date, compatibility_flags, services'),
		])
		writeWranglerBase(root)
		expect((await wranglerBaseCheck.run(root)).problems).toEqual([])
		expect(writeWranglerBase(root)).toEqual([])
	})

	it('gives each client the name of its folder as the caller and keeps its other services and comments', () => {
		writeWranglerBase(root)
		const clients = Object.entries(ORCHESTRATOR_BINDINGS).map(([binding, entrypoint]) => ({ binding, service: 'vibehq-orchestrator', entrypoint, props: { workerName: 'a' } }))
		expect(get('apps/a/wrangler.jsonc')).toEqual({
			name: 'a-worker',
			compatibility_date: '2026-11-01',
			compatibility_flags: ['nodejs_compat'],
			services: [...clients, { binding: 'OTHER', service: 'o' }],
		})
		expect(readFileSync(join(root, 'apps/a/wrangler.jsonc'), 'utf8')).toContain('// ours')
	})

	it('gives the orchestrator no bindings to itself', () => {
		writeWranglerBase(root)
		expect(get('orchestrator/wrangler.jsonc')).not.toHaveProperty('services')
	})

	it('says which file does not parse', async () => {
		put('apps/b/wrangler.jsonc', '[]')
		await expect(wranglerBaseCheck.run(root)).rejects.toThrow('apps/b/wrangler.jsonc')
	})
})
