import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError, isAppError } from '@shared/contracts'
import { withInstallLock } from './cliCacheLock.ts'
import { locateCLI } from './cliCacheLayout.ts'
import { runWatched } from './cliCacheProgram.ts'
import clis from './clis.json' with { type: 'json' }

export type CLIName = keyof typeof clis

/** How to start one pinned agent CLI: execute `bin` with `[...argvPrefix, ...arguments]` and `env` added to the environment. */
export interface InstalledCLI {
	/** Absolute path of what to execute: the native binary itself, or node for a CLI written in JavaScript. */
	bin: string
	/** Arguments that come before the caller's own: `[]` for a native binary, `['/…/gemini.js']` for node. */
	argvPrefix: string[]
	version: string
	/** Variables that keep this installation pinned and directly signalled; they hold no secret. */
	env: Record<string, string>
}

export interface EnsureCLIOptions {
	/** Root of the cache; CLIs live in `<cacheDir>/clis/<name>-<version>`. Absent: $VIBEHQ_CACHE, else the user's cache directory. */
	cacheDir?: string
	/** One line of text per step, for a terminal or a log. */
	onProgress?: (line: string) => void
	/** The npm to call, as an argument vector. Absent: the npm that runs this process, else `npm` of the PATH. */
	npmCommand?: string[]
	installTimeoutMs?: number
}

export const CLI_NAMES = Object.keys(clis) as CLIName[]

/**
 * Makes sure the pinned version of a CLI is installed and returns how to start it. Safe to call from several processes at
 * once: one installs, the others wait. A process that dies midway leaves no directory under the final name.
 * @throws AppError UNAVAILABLE when npm cannot install it (with what npm said) or the installed program does not start.
 */
export async function ensureCLI(name: CLIName, options: EnsureCLIOptions = {}): Promise<InstalledCLI> {
	const { package: packageName, version } = clis[name]
	const onProgress = options.onProgress ?? (() => {})
	const root = join(options.cacheDir ?? defaultCacheDir(process.env), 'clis')
	const target = join(root, `${name}-${version}`)
	const present = await findInstalled(name, target)
	if (present) return present
	try {
		await mkdir(root, { recursive: true })
		return await withInstallLock(`${target}.lock`, onProgress, async () => {
			const fromOther = await findInstalled(name, target)
			if (fromOther) return fromOther
			await rm(target, { recursive: true, force: true })
			await removeStaging(root, `${name}-${version}`)
			const staging = await mkdtemp(join(root, `.staging-${name}-${version}-`))
			try {
				onProgress(`${name}: installing ${packageName}@${version}`)
				await installPackage(staging, { ...options, spec: `${packageName}@${version}`, onProgress })
				const installed = await locateCLI(name, staging, version)
				await prove(name, installed)
				// The agent runs as another user than the one who installs.
				await chmod(staging, 0o755)
				await rename(staging, target)
				await removeStaging(root, `${name}-${version}`)
			} finally {
				await rm(staging, { recursive: true, force: true })
			}
			onProgress(`${name}: ${version} is ready`)
			return await locateCLI(name, target, version)
		})
	} catch (error) {
		if (isAppError(error)) throw error
		const reason = error instanceof Error ? error.message : String(error)
		throw new AppError('UNAVAILABLE', `${name} ${version} could not be put into ${target}: ${reason}`, { cli: name, version })
	}
}

export function defaultCacheDir(env: Record<string, string | undefined>): string {
	if (env['VIBEHQ_CACHE']) return env['VIBEHQ_CACHE']
	return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'vibehq')
}

/** A directory under the final name was renamed into place whole; one whose program is gone is treated as absent. */
async function findInstalled(name: CLIName, target: string): Promise<InstalledCLI | undefined> {
	try {
		await access(target)
	} catch {
		return undefined
	}
	try {
		return await locateCLI(name, target, clis[name].version)
	} catch {
		return undefined
	}
}

/**
 * Called under the lock, when staging directories belong to installers that died. The npm of such an installer may still be
 * writing: then the call after the installation removes what it leaves.
 */
async function removeStaging(root: string, id: string): Promise<void> {
	for (const entry of await readdir(root)) {
		if (entry.startsWith(`.staging-${id}-`)) await rm(join(root, entry), { recursive: true, force: true }).catch(() => {})
	}
}

interface InstallOptions extends EnsureCLIOptions {
	spec: string
	onProgress: (line: string) => void
}

async function installPackage(prefix: string, options: InstallOptions): Promise<void> {
	const { spec, onProgress } = options
	const [command = 'npm', ...npmArgs] = options.npmCommand ?? defaultNpmCommand(process.env)
	// Platform binaries are optional dependencies, so a setting that omits those must not apply here.
	const args = [...npmArgs, 'install', '--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', '--include=optional', '--save-exact', spec]
	const result = await runWatched(command, args, { cwd: prefix, timeoutMs: options.installTimeoutMs ?? 900_000, onLine: onProgress })
	if (result.exitCode === 0) return
	const said = result.lines.filter((line) => /^npm (error|ERR!)/.test(line) && !/complete log|_logs|^npm \S+\s+at /.test(line))
	const words = (said.length > 0 ? said : result.lines).slice(0, 6).map((line) => line.replace(/^npm (error|ERR!)\s*/, ''))
	const reason = result.failure ?? (words.filter(Boolean).join(' | ') || `exit code ${result.exitCode}`)
	throw new AppError('UNAVAILABLE', `npm could not install ${spec}: ${reason}. Check the network and npm's registry setting, then try again.`, {
		package: spec,
		exitCode: result.exitCode,
	})
}

/** Runs `--version`: proves that the program starts here, and makes Copilot unpack itself into its own package cache. */
async function prove(name: CLIName, installed: InstalledCLI): Promise<void> {
	const home = await mkdtemp(join(tmpdir(), `vibehq-${name}-`))
	try {
		const env = { PATH: process.env['PATH'] ?? '', HOME: home, ...installed.env }
		const result = await runWatched(installed.bin, [...installed.argvPrefix, '--version'], { cwd: home, env, timeoutMs: 120_000 })
		const output = result.lines.join('\n')
		if (result.exitCode === 0 && output.includes(installed.version)) return
		const reason = result.failure ?? `exit code ${result.exitCode}, ${output.slice(0, 400) || 'no output'}`
		throw new AppError('UNAVAILABLE', `${name} ${installed.version} was installed but does not start on this machine: ${reason}`, { cli: name })
	} finally {
		await rm(home, { recursive: true, force: true })
	}
}

function defaultNpmCommand(env: Record<string, string | undefined>): string[] {
	const npm = env['npm_execpath']
	return npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm']
}
