import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from './debianProgram.ts'
import { startServer } from './server.ts'
import type { Server } from './server.ts'

const FOLDERS = ['/usr/lib/postgresql/*/bin']

/** A PostgreSQL with the settings that it comes with, for the user `bench`. Throws ProgramMissing. */
export function startPostgres(folder: string): Promise<Server & { socket: string }> {
	const [initdb, postgres] = ['initdb', 'postgres'].map((name) => findProgram({ name, package: 'postgresql', folders: FOLDERS })) as [string, string]
	const data = join(folder, 'data')
	mkdirSync(data)
	const user = unprivileged()
	if (user) for (const path of [folder, data]) chownSync(path, user.uid, user.gid)
	chmodSync(data, 0o700)
	const made = spawnSync(initdb, ['--pgdata', data, '--username', 'bench', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale'], { cwd: folder, encoding: 'utf8', ...user })
	if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error?.message}`)
	const args = ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'max_connections=100']
	return startServer({ name: 'postgres', command: postgres, args, folder, socket: join(folder, '.s.PGSQL.5432'), ...(user ? { user } : {}) })
}

/** PostgreSQL does not run as root; its package brings a user for it. */
function unprivileged(): { uid: number; gid: number } | undefined {
	if (process.getuid?.() !== 0) return undefined
	const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
	return { uid: id('-u'), gid: id('-g') }
}
