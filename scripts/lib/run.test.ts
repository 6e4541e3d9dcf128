import { describe, expect, it } from 'vitest'
import { inParallel, run } from './run.ts'

const node = (code: string, timeoutMs?: number) => run(process.execPath, ['-e', code], { cwd: import.meta.dirname, ...(timeoutMs === undefined ? {} : { timeoutMs }) })

describe('run', () => {
	it('collects both streams and the status', async () => {
		const { status, output } = await node('console.log("out"); console.error("err"); process.exitCode = 3')
		expect(status).toBe(3)
		expect(output).toContain('out\n')
		expect(output).toContain('err\n')
	})

	it('says so when there is no such program', async () => {
		expect(await run('no-such-program-here', [], { cwd: '.' })).toMatchObject({ status: 127, output: expect.stringContaining('no-such-program-here') })
	})

	it('kills a program that takes too long, with what it started', async () => {
		// The grandchild holds the pipe open, so the outcome comes only when it is gone too.
		const { status, output } = await node(
			`require('node:child_process').spawn(process.execPath, ['-e', 'console.log("child runs"); setInterval(() => {}, 1000)'], { stdio: 'inherit' })
			setInterval(() => {}, 1000)`,
			2_000,
		)
		expect(status).toBe(124)
		expect(output).toContain('child runs')
		expect(output).toContain('killed after 2000 ms')
	})

	it('counts a program that a signal ended as failed', async () => {
		expect((await node('process.kill(process.pid, "SIGKILL")')).status).not.toBe(0)
	})
})

describe('inParallel', () => {
	it('keeps the order of the results and the width', async () => {
		let running = 0
		let most = 0
		const results = await inParallel([30, 1, 20, 5], 2, async (delay) => {
			most = Math.max(most, ++running)
			await new Promise((resolve) => setTimeout(resolve, delay))
			running -= 1
			return delay
		})
		expect(results).toEqual([30, 1, 20, 5])
		expect(most).toBe(2)
	})

	it('does nothing for nothing', async () => {
		expect(await inParallel([], 4, async () => 1)).toEqual([])
	})
})
