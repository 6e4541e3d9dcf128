import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from './lib/run.ts'

const main = (...args: string[]) => run(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { cwd: import.meta.dirname })

describe('main', () => {
	it('refuses an unknown verb with the list of verbs', async () => {
		const { status, output } = await main('frobnicate')
		expect(status).toBe(2)
		expect(output).toContain('There is no verb "frobnicate"')
		for (const verb of ['start', 'demo', 'test', 'check', 'fix', 'bench', 'db:generate', 'db:migrate']) expect(output).toContain(`  ${verb} `)
	})

	it('refuses a name that every object has', async () => {
		expect((await main('constructor')).status).toBe(2)
	})

	it('helps', async () => {
		expect(await main()).toMatchObject({ status: 0, output: expect.stringContaining('Usage: npm run') })
	})

	it('refuses an unknown check, an unknown option and a filter that fits nothing', async () => {
		expect(await main('check', 'nonsense')).toMatchObject({ status: 2, output: expect.stringContaining('layout') })
		expect(await main('test', '--nonsense')).toMatchObject({ status: 2, output: expect.stringContaining('--unit') })
		expect(await main('db:migrate', '--nonsense')).toMatchObject({ status: 2, output: expect.stringContaining('--remote') })
		expect(await main('test', 'no-file-is-called-this')).toMatchObject({ status: 1, output: expect.stringContaining('no-file-is-called-this') })
	})
})
