import { spawn } from 'node:child_process'
import type { Isolation } from './isolation.ts'
import { killMarked, RUN_MARKER, signalGroup } from './processTree.ts'
import { removeTree } from './removeTree.ts'

/** No confinement, only order: own process group, own environment, and everything that the run started is found and killed. */
export function createProcessIsolation(): Isolation {
	return {
		kind: 'process',
		isConfining: false,
		isRoot: process.getuid?.() === 0,
		cliSource: 'host',
		reach: (url) => url,
		async admit() {},
		launch({ runId, bin, args, env, dirs }) {
			const child = spawn(bin, args, { cwd: dirs.work, env: { ...env, [RUN_MARKER]: runId }, detached: true, stdio: 'pipe' })
			return {
				child,
				terminate: () => signalGroup(child.pid, 'SIGTERM'),
				async destroy() {
					signalGroup(child.pid, 'SIGKILL')
					await killMarked(runId, dirs.root)
				},
			}
		},
		async reclaim() {},
		remove: ({ root }) => removeTree(root),
	}
}
