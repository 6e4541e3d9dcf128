import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { withInstallLock } from './cliCacheLock.ts'

let dir: string
let lockPath: string

beforeEach(async () => {
	dir = await mkdtemp(join(tmpdir(), 'cli-lock-'))
	lockPath = join(dir, 'cli.lock')
	return () => rm(dir, { recursive: true, force: true })
})

const quiet = (): void => {}

describe('withInstallLock', () => {
	it('never runs two at once and removes the lock', async () => {
		let inside = 0
		let most = 0
		const work = async (): Promise<void> => {
			inside += 1
			most = Math.max(most, inside)
			await new Promise((resolve) => setTimeout(resolve, 20))
			inside -= 1
		}
		await Promise.all([1, 2, 3].map(() => withInstallLock(lockPath, quiet, work)))
		expect(most).toBe(1)
		expect(await readdir(dir)).toEqual([])
	})

	it('gives the lock back when the work fails', async () => {
		await expect(withInstallLock(lockPath, quiet, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
		await expect(withInstallLock(lockPath, quiet, () => Promise.resolve('yes'))).resolves.toBe('yes')
	})

	it('takes over from a process that is gone', async () => {
		const child = spawn(process.execPath, ['-e', ''])
		await once(child, 'exit')
		await writeFile(lockPath, `${child.pid} ${hostname()}`)
		await expect(withInstallLock(lockPath, quiet, () => Promise.resolve('mine'))).resolves.toBe('mine')
	})

	it('takes over from another machine that has stopped refreshing', async () => {
		await writeFile(lockPath, '1 another-machine')
		const longAgo = new Date(Date.now() - 3_600_000)
		await utimes(lockPath, longAgo, longAgo)
		await expect(withInstallLock(lockPath, quiet, () => Promise.resolve('mine'))).resolves.toBe('mine')
	})

	it('waits for a living holder, and says so once', async () => {
		await writeFile(lockPath, `${process.pid} ${hostname()}`)
		const said: string[] = []
		const waiting = withInstallLock(lockPath, (line) => said.push(line), () => Promise.resolve('mine'))
		await expect.poll(() => said.length).toBe(1)
		await rm(lockPath)
		await expect(waiting).resolves.toBe('mine')
		expect(said).toHaveLength(1)
	})

	it('reports a directory that does not exist', async () => {
		await expect(withInstallLock(join(dir, 'none/cli.lock'), quiet, () => Promise.resolve())).rejects.toThrow('ENOENT')
	})
})
