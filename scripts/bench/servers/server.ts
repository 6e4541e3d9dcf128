import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Server {
	stop: () => Promise<void>
}

export interface ServerOptions {
	name: string
	command: string
	args: string[]
	/** Of its own: data, log and socket are there. */
	folder: string
	socket: string
	user?: { uid: number; gid: number }
}

/** Starts a server that listens on a socket that nobody else knows, and waits until it does. */
export async function startServer({ name, command, args, folder, socket, user }: ServerOptions): Promise<Server & { socket: string }> {
	const logFile = join(folder, `${name}.log`)
	const log = createWriteStream(logFile)
	const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...user })
	child.stdout.pipe(log, { end: false })
	child.stderr.pipe(log, { end: false })
	const exited = once(child, 'exit')
	// When the bench itself fails, nothing stays behind.
	process.once('exit', () => child.kill('SIGKILL'))
	const stop = async () => {
		child.kill('SIGINT')
		await Promise.race([exited, sleep(5000, undefined, { ref: false })])
		child.kill('SIGKILL')
		await exited
		log.end()
	}
	for (const deadline = Date.now() + 30_000; Date.now() < deadline && child.exitCode === null; await sleep(50)) {
		if (await answers(socket)) return { socket, stop }
	}
	await stop()
	throw new Error(`${name} did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`)
}

function answers(socket: string): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>()
	const connection = connect(socket, () => {
		connection.end()
		resolve(true)
	})
	connection.on('error', () => resolve(false))
	return promise
}
