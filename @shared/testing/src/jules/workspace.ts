import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { promisify } from 'node:util'
import type { ScenarioStep } from '@shared/contracts'
import { git } from '../stack/git.ts'

const run = promisify(execFile)

/** A repository that is connected to the fake. Without `gitDir` it is taken to be empty. */
export interface FakeSource {
	owner: string
	repo: string
	/** Of a bare or a checked-out repository; it is only read. */
	gitDir?: string
}

/** The machine of a session: a clone in which steps are really done, so that its diffs are git's. */
export interface SessionWorkspace {
	/** Null when the session has no repository. */
	baseCommitId: string | null
	/** @throws Error with the reason when the step cannot be done. */
	play(step: ScenarioStep): Promise<void>
	/** All changes since the base. */
	diff(): Promise<string>
	close(): Promise<void>
}

/** @throws Error when the repository has no such branch. */
export async function openWorkspace(source: FakeSource | undefined, branch: string | undefined): Promise<SessionWorkspace> {
	const root = await realpath(await mkdtemp(join(tmpdir(), 'fake-jules-')))
	const close = () => rm(root, { recursive: true, force: true })
	try {
		const baseCommitId = await checkOut(root, source, branch)
		const base = (await git(['rev-parse', 'HEAD'], { cwd: root })).trim()
		return {
			baseCommitId,
			play: (step) => play(root, step),
			async diff() {
				await git(['add', '--all'], { cwd: root })
				return await git(['diff', '--cached', '--no-color', '--no-ext-diff', '--src-prefix=a/', '--dst-prefix=b/', base], { cwd: root })
			},
			close,
		}
	} catch (error) {
		await close()
		throw error
	}
}

async function checkOut(root: string, source: FakeSource | undefined, branch: string | undefined): Promise<string | null> {
	if (source?.gitDir !== undefined) {
		await git(['clone', '--quiet', '--shared', '--no-tags', `--branch=${branch}`, '--', source.gitDir, root])
		return (await git(['rev-parse', 'HEAD'], { cwd: root })).trim()
	}
	await git(['init', '--quiet', '--initial-branch=main', root])
	await git(['commit', '--quiet', '--allow-empty', '--message', 'Nothing'], { cwd: root })
	return source ? createHash('sha1').update(`${source.owner}/${source.repo}`).digest('hex') : null
}

async function play(root: string, step: ScenarioStep): Promise<void> {
	if ('say' in step) return
	if ('shell' in step) {
		await run('sh', ['-c', step.shell], { cwd: root, timeout: 30_000, env: { PATH: process.env['PATH'] ?? '', HOME: root, GIT_CONFIG_NOSYSTEM: '1' } }).catch(() => undefined)
		return
	}
	if ('write' in step) {
		await writeFile(await inside(root, step.write.path), step.write.content)
		return
	}
	const path = await inside(root, step.edit.path)
	const before = await readFile(path, 'utf8').catch(() => undefined)
	if (before === undefined) throw new Error(`${step.edit.path} does not exist`)
	const count = before.split(step.edit.old).length - 1
	if (count !== 1) throw new Error(`${step.edit.path} contains ${JSON.stringify(step.edit.old)} ${count} times and not once`)
	await writeFile(path, before.replace(step.edit.old, () => step.edit.new))
}

/** The file's place in the clone, its folder made. Neither the path nor a symbolic link of the repository leads out. */
async function inside(root: string, path: string): Promise<string> {
	const file = join(root, path)
	if (!file.startsWith(root + sep) || path.split(/[\\/]/).includes('.git')) throw new Error(`${path} is not a path inside the repository`)
	let existing = file
	while (!(await lstat(existing).catch(() => undefined))) existing = dirname(existing)
	const real = await realpath(existing).catch(() => undefined)
	if (real === undefined || !`${real}${sep}`.startsWith(root + sep)) throw new Error(`${path} leads out of the repository`)
	await mkdir(dirname(file), { recursive: true })
	return file
}
