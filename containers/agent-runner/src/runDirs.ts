import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RunDirs } from './isolation/isolation.ts'
import { killMarked } from './isolation/processTree.ts'

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

/** Ends and removes what runners that were killed have left behind. */
export async function sweepRuns(runsRoot: string): Promise<void> {
	for (const id of await readdir(runsRoot).catch(() => [])) {
		const pid = Number(id.split('-')[0])
		if (!Number.isInteger(pid) || isAlive(pid)) continue
		await killMarked(id, join(runsRoot, id))
		await rm(join(runsRoot, id), { recursive: true, force: true }).catch(() => {})
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
