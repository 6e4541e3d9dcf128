import { spawn } from 'node:child_process'
import { chmod, chown } from 'node:fs/promises'
import { runProgram } from '../program.ts'
import { toolPath } from '../toolPath.ts'
import type { Isolation, Launched, LaunchSpec } from './isolation.ts'
import { RUN_MARKER } from './processTree.ts'
import { removeTree } from './removeTree.ts'

export interface ContainerOptions {
	/** The user that agents run as, and the group that the runner shares with it. */
	agent: { name: string; uid: number; gid: number }
}

// Where every user may write: the next agent must not find what this one left there.
const SHARED_DIRECTORIES = ['/tmp', '/var/tmp', '/dev/shm', '/run/lock']
// From a directory that the agent may be in, or find goes nowhere.
const SWEEP = 'cd /; find "$@" -xdev -mindepth 1 -user "$0" -type d -exec chmod u+rwx {} \\;; find "$@" -xdev -mindepth 1 -user "$0" -delete'

/**
 * Inside a container the agent is another user than the runner, so it can neither read the runner's environment nor touch
 * its git directory. Both share the agent's group for the work tree. One run at a time: the end of a run kills whatever
 * that user has.
 */
export function createContainerIsolation({ agent }: ContainerOptions): Isolation {
	const asAgent = agentPrefix(agent)
	const runAsAgent = (args: readonly string[]) => {
		const [bin = 'sudo', ...prefix] = asAgent
		return runProgram({ bin, args: [...prefix, ...args], env: { PATH: toolPath() }, timeoutMs: 60_000 })
	}
	// Files of the runner in the work tree must be writable by the group, so that the agent can edit them.
	process.umask(0o002)
	const killAll = async (signal: 'TERM' | 'KILL') => {
		await runAsAgent(['/bin/sh', '-c', `kill -${signal} -1`])
	}
	const shared = new Set<string>()
	return {
		kind: 'container',
		isConfining: true,
		isRoot: false,
		cliSource: 'host',
		// Only the owner of a file may change its mode. sudo would take the group's right to write away.
		checkOutAs: [...asAgent, '/bin/sh', '-c', 'umask 0002; exec "$@"', 'sh'],
		reach: (url) => url,
		async admit({ root, work, home, tmp }, readOnly) {
			await chmod(root, 0o711)
			for (const path of readOnly) {
				await chown(path, -1, agent.gid)
				await chmod(path, 0o750)
				shared.add(path)
			}
			for (const path of [work, home, tmp]) {
				await chown(path, -1, agent.gid)
				await chmod(path, 0o2770)
			}
		},
		launch: (spec) => launchAs(asAgent, spec, killAll),
		async reclaim({ work }) {
			// It may have taken its files away from the group; what belongs to the runner is refused, and needs nothing.
			await runAsAgent(['chmod', '-R', 'u+rwX,g+rwX', work])
		},
		async remove({ root, work, home, tmp }) {
			// It may have taken away its own right to write, as package managers do.
			await runAsAgent(['/bin/sh', '-c', 'chmod -R u+rwX -- "$@"; rm -rf -- "$@"', 'sh', work, home, tmp])
			await runAsAgent(['/bin/sh', '-c', SWEEP, agent.name, ...SHARED_DIRECTORIES])
			await removeTree(root)
			// The next agent may work in another workspace and must not read this one's history.
			await Promise.all([...shared].map((path) => chmod(path, 0o700)))
			shared.clear()
		},
	}
}

type KillAll = (signal: 'TERM' | 'KILL') => Promise<void>

function launchAs(asAgent: readonly string[], spec: LaunchSpec, killAll: KillAll): Launched {
	const [bin = 'sudo', ...prefix] = asAgent
	const env = { ...spec.env, [RUN_MARKER]: spec.runId }
	// What sudo adds is of no use to an agent, and TMPDIR does not get through it.
	const script = 'umask 0002; unset SUDO_COMMAND SUDO_USER SUDO_UID SUDO_GID; export TMPDIR="$TMP"; cd -- "$0" && exec "$@"'
	const args = [...prefix, '/bin/sh', '-c', script, spec.dirs.work, spec.bin, ...spec.args]
	const child = spawn(bin, args, { cwd: '/', env, detached: true, stdio: 'pipe' })
	return {
		child,
		terminate: () => void killAll('TERM'),
		destroy: () => killAll('KILL'),
	}
}

/** Root changes user by itself; anybody else needs the sudo rule that the image brings. */
function agentPrefix({ name, uid, gid }: ContainerOptions['agent']): readonly string[] {
	if (process.getuid?.() !== 0) return ['sudo', '-n', '-E', '-u', name, '--']
	return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', '--']
}

/** The user of that name, if this process may become it. Null when there is none or it may not. */
export async function findAgentUser(name: string): Promise<ContainerOptions['agent'] | null> {
	const ask = (bin: string, ...args: string[]) => runProgram({ bin, args, env: { PATH: toolPath() }, timeoutMs: 5000 })
	const [uid, gid] = await Promise.all([ask('id', '-u', name), ask('id', '-g', name)])
	if (uid.exitCode !== 0 || gid.exitCode !== 0) return null
	const agent = { name, uid: Number(uid.stdout.toString()), gid: Number(gid.stdout.toString()) }
	const [bin = 'sudo', ...prefix] = agentPrefix(agent)
	const tried = await ask(bin, ...prefix, '/bin/true')
	return tried.exitCode === 0 ? agent : null
}
