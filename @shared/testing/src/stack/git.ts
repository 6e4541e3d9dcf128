import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Git without the machine's configuration, and without a question on the terminal. */
export async function git(args: string[], options: { cwd?: string; token?: string } = {}): Promise<string> {
	const header = options.token === undefined ? {} : { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.extraHeader', GIT_CONFIG_VALUE_0: `Authorization: Bearer ${options.token}` }
	const identity = { GIT_AUTHOR_NAME: 'VibeHQ', GIT_AUTHOR_EMAIL: 'vibehq@localhost', GIT_COMMITTER_NAME: 'VibeHQ', GIT_COMMITTER_EMAIL: 'vibehq@localhost' }
	const env = { ...process.env, ...identity, ...header, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
	const { stdout } = await run('git', args, { cwd: options.cwd, env, maxBuffer: 256 * 1024 * 1024 })
	return stdout
}

/** Pushes the content of a folder, or a git repository's HEAD, as `main` of a hosted workspace. Returns the commit. */
export async function pushFolder(folder: string, remote: string, token: string): Promise<string> {
	const isRepository = await git(['rev-parse', '--show-toplevel'], { cwd: folder }).then((top) => top.trim() === folder, () => false)
	if (isRepository) {
		await git(['push', '--quiet', '--force', remote, 'HEAD:refs/heads/main'], { cwd: folder, token })
		return (await git(['rev-parse', 'HEAD'], { cwd: folder })).trim()
	}
	const copy = mkdtempSync(join(tmpdir(), 'vibehq-push-'))
	try {
		cpSync(folder, copy, { recursive: true })
		await git(['init', '--quiet', '--initial-branch=main'], { cwd: copy })
		await git(['add', '--all', '--force'], { cwd: copy })
		await git(['commit', '--quiet', '--message', 'Start'], { cwd: copy })
		await git(['push', '--quiet', '--force', remote, 'HEAD:refs/heads/main'], { cwd: copy, token })
		return (await git(['rev-parse', 'HEAD'], { cwd: copy })).trim()
	} finally {
		rmSync(copy, { recursive: true, force: true })
	}
}
