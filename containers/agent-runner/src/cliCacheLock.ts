import { open, readFile, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 200
const REFRESH_MS = 5_000
const STALE_MS = 60_000

/**
 * Runs `work` while no other process holds `lockPath`. The holder refreshes the file; a lock whose process is gone, or that
 * nobody refreshes, is taken over. The lock only saves double work: what it guards ends in an atomic rename, so even two
 * holders (a takeover that races) do no harm.
 */
export async function withInstallLock<T>(lockPath: string, onProgress: (line: string) => void, work: () => Promise<T>): Promise<T> {
	let isWaiting = false
	while (!(await acquire(lockPath))) {
		if (!isWaiting) onProgress('another process is installing this CLI: waiting for it')
		isWaiting = true
		if (await isStale(lockPath)) await rm(lockPath, { force: true })
		else await sleep(POLL_MS)
	}
	const refresh = setInterval(() => {
		const now = new Date()
		utimes(lockPath, now, now).catch(() => {})
	}, REFRESH_MS)
	try {
		return await work()
	} finally {
		clearInterval(refresh)
		await rm(lockPath, { force: true })
	}
}

async function acquire(lockPath: string): Promise<boolean> {
	try {
		const file = await open(lockPath, 'wx')
		await file.writeFile(`${process.pid} ${hostname()}`)
		await file.close()
		return true
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
		throw error
	}
}

async function isStale(lockPath: string): Promise<boolean> {
	try {
		const [pid = '', host = ''] = (await readFile(lockPath, 'utf8')).split(' ')
		if (host === hostname() && !isAlive(Number(pid))) return true
		return Date.now() - (await stat(lockPath)).mtimeMs > STALE_MS
	} catch {
		return false
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0)
		return true
	} catch (error) {
		return error instanceof Error && 'code' in error && error.code === 'EPERM'
	}
}
