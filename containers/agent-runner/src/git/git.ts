import { AppError } from '@shared/contracts'
import { runProgram } from '../program.ts'
import type { ProgramResult } from '../program.ts'
import { networkEnv, toolPath } from '../toolPath.ts'

export interface GitRequest {
	gitDir: string
	workTree?: string
	/** Absent: that of the git directory. */
	indexFile?: string
	/** What git is started with, to be another user. */
	prefix?: readonly string[]
	/** Sent as `Authorization: Bearer`, by environment: an argument would be readable in the process list. */
	token?: string
	input?: string
	timeoutMs?: number
	maxOutputBytes?: number
	signal?: AbortSignal | undefined
}

// No configuration but ours: bytes go in and out raw, nothing of a repository or of the machine can make git run a program.
const CONFIG: readonly (readonly [string, string])[] = [
	['core.hooksPath', '/dev/null'],
	['core.fsmonitor', 'false'],
	['core.autocrlf', 'false'],
	['core.symlinks', 'true'],
	['core.fileMode', 'true'],
	['core.ignoreCase', 'false'],
	['core.precomposeUnicode', 'false'],
	['core.attributesFile', '/dev/null'],
	['core.excludesFile', '/dev/null'],
	['checkout.workers', '0'],
	['gc.auto', '0'],
	['maintenance.auto', 'false'],
	['advice.addEmbeddedRepo', 'false'],
	['protocol.allow', 'never'],
	['protocol.http.allow', 'always'],
	['protocol.https.allow', 'always'],
	['http.followRedirects', 'false'],
	['credential.helper', ''],
]

export async function tryGit(args: readonly string[], request: GitRequest): Promise<ProgramResult> {
	const { gitDir, workTree, indexFile, prefix = [], token, ...rest } = request
	const config = token === undefined ? CONFIG : [...CONFIG, ['http.extraHeader', `Authorization: Bearer ${token}`] as const]
	const env: Record<string, string> = {
		...(token === undefined ? {} : networkEnv()),
		PATH: toolPath(),
		HOME: '/nonexistent',
		LC_ALL: 'C',
		GIT_DIR: gitDir,
		...(workTree ? { GIT_WORK_TREE: workTree } : {}),
		...(indexFile ? { GIT_INDEX_FILE: indexFile } : {}),
		GIT_CONFIG_NOSYSTEM: '1',
		GIT_CONFIG_GLOBAL: '/dev/null',
		GIT_ATTR_NOSYSTEM: '1',
		GIT_NO_REPLACE_OBJECTS: '1',
		GIT_TERMINAL_PROMPT: '0',
		GIT_CONFIG_COUNT: String(config.length),
	}
	for (const [index, [key, value]] of config.entries()) {
		env[`GIT_CONFIG_KEY_${index}`] = key
		env[`GIT_CONFIG_VALUE_${index}`] = value
	}
	const [bin = 'git', ...before] = [...prefix, 'git']
	return await runProgram({ bin, args: [...before, ...args], env, ...rest, ...(workTree ? { cwd: workTree } : {}) })
}

/** @throws AppError INTERNAL when git fails; its message has what git said. */
export async function git(args: readonly string[], request: GitRequest): Promise<Buffer> {
	const result = await tryGit(args, request)
	if (result.exitCode === 0) return result.stdout
	throw new AppError('INTERNAL', `git ${args[0] ?? ''} failed: ${result.stderr || `exit code ${result.exitCode}`}`)
}
