import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RunDirs } from './isolation/isolation.ts'
import { killMarked } from './isolation/processTree.ts'
import { removeTree } from './isolation/removeTree.ts'

export interface Run {
	id: string
	dirs: RunDirs
	/** The runner's own git directory of this run. */
	gitDir: string
}

/** New empty directories for one run. The name says which process they belong to. */
export async function createRun(runsRoot: string): Promise<Run> {
	const id = `${process.pid}-${randomBytes(6).toString('hex')}`
	const root = join(runsRoot, id)
	const dirs: RunDirs = { root, work: join(root, 'work'), home: join(root, 'home'), tmp: join(root, 'tmp') }
	await mkdir(root, { recursive: true, mode: 0o700 })
	const gitDir = join(root, 'git')
	await Promise.all([mkdir(dirs.work), mkdir(dirs.home), mkdir(dirs.tmp), mkdir(gitDir, { mode: 0o700 })])
	return { id, dirs, gitDir }
}

export async function writeFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
	for (const [name, content] of Object.entries(files)) {
		const path = join(root, name)
		await mkdir(dirname(path), { recursive: true })
		await writeFile(path, content)
	}
}

const MIN_FREE_BYTES = 1024 ** 3

/**
 * A directory in memory of which only this user may read, or null. Writing a tree there takes a fraction of what a disk needs.
 */
export async function findMemoryRoot(parent = '/dev/shm'): Promise<string | null> {
	const root = join(parent, `vibehq-${process.getuid?.() ?? 0}`)
	try {
		await mkdir(root, { mode: 0o700 }).catch(() => {})
		const found = await lstat(root)
		return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0 ? root : null
	} catch {
		return null
	}
}

export async function hasRoom(root: string): Promise<boolean> {
	const { bavail, bsize } = await statfs(root)
	return bavail * bsize > MIN_FREE_BYTES
}

/** Ends and removes what runners that were killed have left behind. */
export async function sweepRuns(runsRoot: string): Promise<void> {
	for (const id of await readdir(runsRoot).catch(() => [])) {
		const pid = Number(id.split('-')[0])
		if (!Number.isInteger(pid) || isAlive(pid)) continue
		await killMarked(id, join(runsRoot, id))
		await removeTree(join(runsRoot, id)).catch(() => {})
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
