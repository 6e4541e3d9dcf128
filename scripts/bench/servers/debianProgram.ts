import { spawnSync } from 'node:child_process'
import { accessSync, constants, globSync } from 'node:fs'
import { join } from 'node:path'

/** A program of a Debian package that this machine lacks, and that nobody may install here. */
export class ProgramMissing extends Error {}

export interface DebianProgram {
	name: string
	package: string
	/** Where the package puts it when that is not on PATH; may have wildcards. */
	folders?: string[]
}

/** The path of the program; its package is installed when it is missing and this is root on Debian. Throws ProgramMissing. */
export function findProgram(program: DebianProgram): string {
	return locate(program) ?? (install(program.package) ? locate(program) : undefined) ?? missing(program)
}

function locate({ name, folders = [] }: DebianProgram): string | undefined {
	const onPath = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '').map((folder) => join(folder, name))
	return [...onPath, ...folders.flatMap((folder) => globSync(join(folder, name)).sort().reverse())].find(isExecutable)
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK)
		return true
	} catch {
		return false
	}
}

function install(name: string): boolean {
	if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return false
	process.stderr.write(`installing the Debian package ${name}\n`)
	const apt = (...args: string[]) => spawnSync('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0
	return apt('update', '-qq') && apt('install', '-qq', '-y', '--no-install-recommends', name)
}

function missing(program: DebianProgram): never {
	throw new ProgramMissing(`${program.name} is missing, and could not be installed (Debian: apt-get install ${program.package})`)
}
