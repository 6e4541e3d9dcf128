import { spawn } from 'node:child_process'
import { platform } from 'node:os'
import { runProgram } from '../program.ts'
import { toolPath } from '../toolPath.ts'
import type { Isolation, LaunchSpec, RunDirs } from './isolation.ts'
import { RUN_MARKER } from './processTree.ts'
import { removeTree } from './removeTree.ts'

export interface DockerOptions {
	image: string
	/** Where the orchestrator is: on loopback the container must share the host's network to reach it. */
	orchestratorURL: string
	platform?: NodeJS.Platform
	uid?: number
	gid?: number
}

// These are no secrets and differ from what the docker client itself needs; all others go by name, so no value is an argument.
const BY_VALUE = new Set(['HOME', 'TMPDIR', 'USER', 'LANG', 'SHELL'])
const AGENT_UID = 10001

/** One container per run: no capabilities, read-only root, as a user that is not root. */
export function createDockerIsolation(options: DockerOptions): Isolation {
	const uid = options.uid ?? process.getuid?.() ?? AGENT_UID
	const gid = options.gid ?? process.getgid?.() ?? AGENT_UID
	const user = uid === 0 ? { uid: AGENT_UID, gid: AGENT_UID } : { uid, gid }
	const client = (args: readonly string[]) => runProgram({ bin: 'docker', args, env: dockerEnv(), timeoutMs: 30_000 })
	return {
		kind: 'docker',
		isConfining: true,
		isRoot: false,
		cliSource: 'image',
		reach: (url) => (needsHostAlias(url, options.platform ?? platform()) ? withHost(url, 'host.docker.internal') : url),
		// The container's user need not be one that may pass through here: its three directories are mounted.
		async admit() {},
		launch(spec) {
			const name = containerName(spec.runId)
			const env = { ...spec.env, ...dockerEnv() }
			const args = dockerArgs(spec, { name, user, network: networkArgs(options), image: options.image })
			const [bin, ...rest] = uid === 0 ? handOver(spec.dirs, user, args) : ['docker', ...args]
			const child = spawn(bin, rest, { env, detached: true, stdio: 'pipe' })
			return {
				child,
				terminate: () => void client(['kill', '--signal', 'TERM', name]),
				async destroy() {
					await client(['rm', '--force', '--volumes', name])
				},
			}
		},
		// Files written by another uid: root reads them anyway, and otherwise the uid is our own.
		async reclaim() {},
		remove: ({ root }) => removeTree(root),
	}
}

/** What root has written belongs to the container's user before docker starts. Links are changed themselves, not what they lead to. */
function handOver({ work, home, tmp }: RunDirs, user: DockerRun['user'], args: readonly string[]): [string, ...string[]] {
	const script = `chown -Rh ${user.uid}:${user.gid} -- "$1" "$2" "$3" && shift 3 && exec docker "$@"`
	return ['/bin/sh', '-c', script, 'sh', work, home, tmp, ...args]
}

interface DockerRun {
	name: string
	image: string
	user: { uid: number; gid: number }
	network: readonly string[]
}

export function dockerArgs(spec: LaunchSpec, { name, image, user, network }: DockerRun): string[] {
	const { dirs } = spec
	const env = { ...spec.env, [RUN_MARKER]: spec.runId }
	const mount = (path: string, suffix = ''): string[] => ['--mount', `type=bind,source=${path},target=${path}${suffix}`]
	return [
		...['run', '--rm', '--interactive', '--init', '--name', name, '--pull', 'never', '--label', `org.vibehq.run=${spec.runId}`],
		...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only', '--pids-limit', '4096'],
		...['--user', `${user.uid}:${user.gid}`, ...network, '--tmpfs', '/tmp'],
		...[dirs.work, dirs.home, dirs.tmp].flatMap((path) => mount(path)),
		...spec.readOnly.flatMap((path) => mount(path, ',readonly')),
		...Object.entries(env).flatMap(([key, value]) => (key === 'PATH' ? [] : ['--env', BY_VALUE.has(key) || key === RUN_MARKER ? `${key}=${value}` : key])),
		...['--workdir', dirs.work, '--entrypoint', spec.bin, image, ...spec.args],
	]
}

/** Whether a daemon answers and has the image. */
export async function canDocker(image: string): Promise<boolean> {
	const args = ['image', 'inspect', '--format', '{{.Id}}', image]
	const result = await runProgram({ bin: 'docker', args, env: dockerEnv(), timeoutMs: 5000 })
	return result.exitCode === 0
}

/** One file out of the image. Null when it is not there. */
export async function readFromImage(image: string, path: string): Promise<string | null> {
	const args = ['run', '--rm', '--pull', 'never', '--network', 'none', '--entrypoint', 'cat', image, path]
	const result = await runProgram({ bin: 'docker', args, env: dockerEnv(), timeoutMs: 60_000 })
	return result.exitCode === 0 ? result.stdout.toString('utf8') : null
}

function dockerEnv(): Record<string, string> {
	const names = ['HOME', 'DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH', 'XDG_RUNTIME_DIR']
	const own = Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
	return { ...own, PATH: toolPath() }
}

function containerName(runId: string): string {
	return `vibehq-${runId.replaceAll(/[^\w.-]/g, '-')}`
}

function isLoopback(url: string): boolean {
	return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname)
}

function needsHostAlias(url: string, os: NodeJS.Platform): boolean {
	return os !== 'linux' && isLoopback(url)
}

function networkArgs({ orchestratorURL, platform: os }: DockerOptions): string[] {
	return (os ?? platform()) === 'linux' && isLoopback(orchestratorURL) ? ['--network', 'host'] : []
}

function withHost(url: string, host: string): string {
	const changed = new URL(url)
	changed.hostname = host
	return changed.href.replace(/\/$/, '')
}
