import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { runProgram } from '../program.ts'
import { toolPath } from '../toolPath.ts'
import type { Isolation, LaunchSpec } from './isolation.ts'
import { killMarked, RUN_MARKER, signalGroup } from './processTree.ts'
import { removeTree } from './removeTree.ts'

export interface BubblewrapOptions {
	/** Directories and files that the program must not see: the cache with other people's source, the runner's own checkout, its token file. */
	hidden: readonly string[]
	/** What of it is needed nevertheless, read-only. */
	shown?: readonly string[]
	exists?: (path: string) => boolean
}

// Sockets (Docker's among them), other people's files, temporary files of everybody.
const HIDDEN_ALWAYS = ['/tmp', '/var/tmp', '/run', '/home', '/root', '/mnt', '/media']
const HIDDEN_FILES = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers']

/** User, process and IPC namespaces; the disk read-only and without anybody's home; the network shared, for the gateway. */
export function createBubblewrapIsolation(options: BubblewrapOptions): Isolation {
	return {
		kind: 'bubblewrap',
		isConfining: true,
		isRoot: process.getuid?.() === 0,
		cliSource: 'host',
		reach: (url) => url,
		async admit() {},
		launch(spec) {
			const env = { ...spec.env, [RUN_MARKER]: spec.runId }
			const child = spawn('bwrap', bubblewrapArgs(spec, options), { env, cwd: '/', detached: true, stdio: 'pipe' })
			return {
				child,
				// bwrap dies by it, and with it (--die-with-parent) the namespace and all that is in it.
				terminate: () => signalGroup(child.pid, 'SIGTERM'),
				async destroy() {
					signalGroup(child.pid, 'SIGKILL')
					await killMarked(spec.runId, spec.dirs.root)
				},
			}
		},
		async reclaim() {},
		remove: ({ root }) => removeTree(root),
	}
}

export function bubblewrapArgs(spec: LaunchSpec, options: BubblewrapOptions): string[] {
	const exists = options.exists ?? existsSync
	const { dirs } = spec
	const hiddenFiles = [...HIDDEN_FILES, ...options.hidden.filter((path) => !isDirectoryPath(path))]
	const hidden = outermost([...HIDDEN_ALWAYS, homedir(), ...options.hidden.filter(isDirectoryPath).map(trimSlash)].filter(exists))
	const isHidden = (path: string): boolean => hidden.some((root) => isInside(path, root))
	const shown = [nodePrefix(), resolved('/etc/resolv.conf'), ...(options.shown ?? []), ...spec.readOnly].filter((path) => exists(path) && isHidden(path))
	return [
		...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
		...['--hostname', 'vibehq', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
		...hidden.flatMap((path) => ['--tmpfs', path]),
		...hiddenFiles.filter((path) => exists(path) && !isHidden(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]),
		...outermost(shown).flatMap((path) => ['--ro-bind', path, path]),
		...[dirs.work, dirs.home, dirs.tmp].flatMap((path) => ['--bind', path, path]),
		...['--chdir', dirs.work, '--', spec.bin, ...spec.args],
	]
}

/** Whether bwrap is there and this machine lets it make namespaces. */
export async function canBubblewrap(): Promise<boolean> {
	const args = ['--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--', 'true']
	const result = await runProgram({ bin: 'bwrap', args, env: { PATH: toolPath() }, timeoutMs: 5000 })
	return result.exitCode === 0
}

function nodePrefix(): string {
	return dirname(dirname(resolved(process.execPath)))
}

/** A directory to hide is written with a slash at its end, a file without. */
function isDirectoryPath(path: string): boolean {
	return path.endsWith('/')
}

function trimSlash(path: string): string {
	return path.length > 1 ? path.replace(/\/+$/, '') : path
}

function isInside(path: string, root: string): boolean {
	return path === root || path.startsWith(join(root, '/'))
}

/** Without those that lie inside another one: a mount point must exist, and nothing exists on an empty file system. */
function outermost(paths: readonly string[]): string[] {
	const unique = [...new Set(paths)].filter((path) => path !== '/')
	return unique.filter((path) => !unique.some((other) => other !== path && isInside(path, other)))
}

function resolved(path: string): string {
	try {
		return realpathSync(path)
	} catch {
		return path
	}
}
