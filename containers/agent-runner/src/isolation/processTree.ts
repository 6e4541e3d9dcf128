import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** In the environment of every process of a run, so that those which left the process group are found again. */
export const RUN_MARKER = 'VIBEHQ_RUN'

export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
	if (pid === undefined) return
	try {
		process.kill(-pid, signal)
	} catch {
		// Nobody of the group is left.
	}
}

/**
 * Kills, on Linux, every process that carries the run's marker or works inside its directory: agents start servers in
 * sessions of their own. Repeats until none is found, because a process can start another one while it is looked for.
 */
export async function killMarked(runId: string, root: string): Promise<void> {
	for (let round = 0; round < 50; round++) {
		const found = await findMarked(runId, root)
		if (found.length === 0) return
		for (const pid of found) kill(pid)
		await sleep(Math.min(5 * (round + 1), 50))
	}
}

export async function findMarked(runId: string, root: string): Promise<number[]> {
	const names = await readdir('/proc').catch(() => [])
	const pids = names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
	const isOurs = await Promise.all(pids.map((pid) => belongs(pid, runId, root)))
	return pids.filter((_, index) => isOurs[index]).map(Number)
}

async function belongs(pid: string, runId: string, root: string): Promise<boolean> {
	try {
		const environment = await readFile(`/proc/${pid}/environ`)
		// A zombie has no environment and needs no killing.
		if (environment.includes(`${RUN_MARKER}=${runId}\0`)) return true
		const directory = await readlink(`/proc/${pid}/cwd`)
		return directory === root || directory.startsWith(`${root}/`)
	} catch {
		return false
	}
}

function kill(pid: number): void {
	try {
		process.kill(pid, 'SIGKILL')
	} catch {
		// It ended by itself.
	}
}
