import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface DiskOptions {
	path: string
	log: (event: string, fields: Record<string, unknown>) => void
	freeBytes?: (path: string) => Promise<number>
}

/** A clone, an agent's home and what it builds take more than this; a task that starts with less only fails. */
const MIN_FREE_BYTES = 64 * 1024 * 1024
const LOOK_AGAIN_MS = 5000

/** The disk that runs are made on. A runner whose disk is full takes no work, and says that it is ill, so that its pool starts it anew. */
export function createDisk({ path, log, freeBytes = freeBytesOf }: DiskOptions) {
	let hasRoom = true
	async function look(): Promise<boolean> {
		const free = await freeBytes(path)
		const isEnough = free >= MIN_FREE_BYTES
		if (isEnough !== hasRoom) log(isEnough ? 'disk-has-room' : 'disk-full', { path, freeBytes: free })
		hasRoom = isEnough
		return isEnough
	}
	return {
		hasRoom: () => hasRoom,
		/** Returns when there is room for a task. Throws when `signal` aborts before. */
		async room(signal: AbortSignal): Promise<void> {
			while (!(await look())) await sleep(LOOK_AGAIN_MS, undefined, { signal })
		},
	}
}
export type Disk = ReturnType<typeof createDisk>

async function freeBytesOf(path: string): Promise<number> {
	const { bavail, bsize } = await statfs(path)
	return bavail * bsize
}
