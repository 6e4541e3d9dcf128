import { join } from 'node:path'
import { startServer } from './server.ts'
import type { Server } from './server.ts'
import { findProgram } from './debianProgram.ts'

/** A Redis that has each write on the disk before it answers. Throws ProgramMissing. */
export function startRedis(folder: string): Promise<Server & { socket: string }> {
	const socket = join(folder, 'redis.sock')
	const settings = { port: '0', unixsocket: socket, dir: folder, save: '', appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
	const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
	return startServer({ name: 'redis', command: findProgram({ name: 'redis-server', package: 'redis-server' }), args, folder, socket })
}
