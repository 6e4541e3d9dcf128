import { spawn } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface GitOptions {
	input?: string | Buffer
	env?: Record<string, string>
}

/** A bare repository. */
export interface BareRepository {
	directory: string
	/** What git printed. Throws GitFailure. */
	bytes(args: string[], options?: GitOptions): Promise<Buffer>
	/** The same as text, without white space around it. */
	text(args: string[], options?: GitOptions): Promise<string>
	/** Null where git fails, for questions that it answers with its status. */
	ask(args: string[], options?: GitOptions): Promise<string | null>
	/** A directory of its own for the time of the call. */
	withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T>
}

export class GitFailure extends Error {}

/** Nothing of the machine's own settings. */
export const gitEnv = (home: string) => ({ PATH: process.env['PATH'] ?? '', HOME: home, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' })

const SETTINGS = `
[http]
	receivepack = true
[uploadpack]
	allowFilter = true
	allowReachableSHA1InWant = true
[receive]
	# GitHub writes these itself.
	hideRefs = refs/pull
[gc]
	auto = 0
`

export async function createBareRepository(root: string, path: string, branch: string): Promise<BareRepository> {
	const directory = join(root, path)
	await mkdir(directory, { recursive: true })
	const bytes = (args: string[], { input = '', env = {} }: GitOptions = {}) => runGit(args, { directory, input, env: { ...gitEnv(root), ...env } })
	const text = async (args: string[], options?: GitOptions) => (await bytes(args, options)).toString().trim()
	await bytes(['init', '-q', '--bare', '-b', branch])
	await appendFile(join(directory, 'config'), SETTINGS)
	return {
		directory,
		bytes,
		text,
		ask: async (args, options) =>
			await text(args, options).catch((error: unknown) => {
				if (error instanceof GitFailure) return null
				throw error
			}),
		async withDirectory(use) {
			const made = await mkdtemp(join(root, 'work-'))
			try {
				return await use(made)
			} finally {
				await rm(made, { recursive: true, force: true })
			}
		},
	}
}

function runGit(args: string[], { directory, input, env }: { directory: string; input: string | Buffer; env: Record<string, string> }): Promise<Buffer> {
	const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
	const child = spawn('git', args, { cwd: directory, env })
	const output: Buffer[] = []
	const errors: Buffer[] = []
	child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
	child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
	child.on('error', reject)
	// A git that refuses early closes its input; its status tells why.
	child.stdin.on('error', () => undefined)
	child.stdin.end(input)
	child.on('close', (code) => {
		if (code === 0) resolve(Buffer.concat(output))
		else reject(new GitFailure(`git ${args[0]}: ${Buffer.concat(errors).toString().trim()}`))
	})
	return promise
}

/** Commits exactly these files and moves the branch to the commit. */
export async function commitFiles(repository: BareRepository, files: Record<string, string>, { branch, at }: { branch: string; at: number }): Promise<string> {
	return await repository.withDirectory(async (work) => {
		for (const [name, content] of Object.entries(files)) {
			const path = join(work, name.replace(/\*$/, ''))
			await mkdir(dirname(path), { recursive: true })
			await writeFile(path, content, { mode: name.endsWith('*') ? 0o755 : 0o644 })
		}
		const index = { GIT_INDEX_FILE: `${work}.index`, GIT_WORK_TREE: work, GIT_DIR: repository.directory }
		await repository.bytes(['-c', 'core.autocrlf=false', 'add', '-A', '-f', '.'], { env: index })
		const tree = await repository.text(['write-tree'], { env: index })
		const person = personEnv({ name: 'octocat', email: 'octocat@github.invalid', at })
		const ref = `refs/heads/${branch}`
		const parent = await repository.ask(['rev-parse', '-q', '--verify', ref])
		const commit = await repository.text(['commit-tree', tree, ...(parent === null ? [] : ['-p', parent]), '-m', 'Commit files'], { env: { ...person.author, ...person.committer } })
		await repository.bytes(['update-ref', ref, commit])
		await rm(`${work}.index`, { force: true })
		return commit
	})
}

/** What git takes a person and a moment (Unix ms) from. */
export function personEnv({ name, email, at, zone = '+0000' }: { name: string; email: string; at: number; zone?: string }) {
	const of = (role: string) => ({ [`GIT_${role}_NAME`]: name, [`GIT_${role}_EMAIL`]: email, [`GIT_${role}_DATE`]: `@${Math.floor(at / 1000)} ${zone}` })
	return { author: of('AUTHOR'), committer: of('COMMITTER') }
}
