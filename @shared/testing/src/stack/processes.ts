import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ManagedProcess {
	name: string
	pid: number
	child: ChildProcess
	/** Resolves with the exit code (null after a signal). */
	exited: Promise<number | null>
	hasExited: () => boolean
	/** SIGTERM to the whole process group, SIGKILL after `graceMs`; resolves when it is gone. */
	stop: (graceMs?: number) => Promise<void>
	/** SIGKILL to the whole group, at once. */
	kill: () => void
	/** The same, and waits until the group has let go of its ports and files. */
	killAndWait: () => Promise<void>
}

export interface ProcessOptions {
	name: string
	command: string
	args: string[]
	cwd: string
	env: NodeJS.ProcessEnv
	/** Everything the process prints goes here. */
	logFile: string
	/** Written to its standard input, which is then closed. */
	input?: string
}

/** Starts a program in a process group of its own, so that stopping it stops all that it started. */
export function startProcess(options: ProcessOptions): ManagedProcess {
	const log = createWriteStream(options.logFile, { flags: 'a' })
	const child = spawn(options.command, options.args, { cwd: options.cwd, env: options.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
	child.stdin.on('error', () => undefined)
	child.stdin.end(options.input ?? '')
	child.stdout.pipe(log, { end: false })
	child.stderr.pipe(log, { end: false })
	let hasExited = false
	const exited = new Promise<number | null>((resolve) => {
		child.once('error', (error) => {
			log.write(`could not start ${options.command}: ${error.message}\n`)
			hasExited = true
			resolve(127)
		})
		child.once('exit', (code) => {
			hasExited = true
			resolve(code)
		})
	})
	const signal = (name: NodeJS.Signals) => {
		try {
			if (child.pid !== undefined) process.kill(-child.pid, name)
		} catch {
			// The group is gone already.
		}
	}
	return {
		name: options.name,
		pid: child.pid ?? -1,
		child,
		exited,
		hasExited: () => hasExited,
		kill: () => signal('SIGKILL'),
		async killAndWait() {
			signal('SIGKILL')
			await exited
			// Where nobody reaps orphans, their entries stay for good.
			for (const deadline = Date.now() + 5000; Date.now() < deadline && isGroupThere(child.pid); ) await sleep(20)
		},
		async stop(graceMs = 5000) {
			signal('SIGTERM')
			await Promise.race([exited, sleep(graceMs, undefined, { ref: false })])
			signal('SIGKILL')
			await exited
			log.end()
		},
	}
}

function isGroupThere(pid: number | undefined): boolean {
	try {
		return pid !== undefined && process.kill(-pid, 0)
	} catch {
		return false
	}
}
