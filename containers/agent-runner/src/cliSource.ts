import { access, constants, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { AppError } from '@shared/contracts'
import type { AgentName } from './adapters/index.ts'
import { ensureCLI } from './cliCache.ts'
import type { InstalledCLI } from './cliCache.ts'
import { readFromImage } from './isolation/docker.ts'
import type { Isolation } from './isolation/isolation.ts'
import { runProgram } from './program.ts'
import { toolPath } from './toolPath.ts'

/** How to start an agent, and what an isolated program must see of the disk for that. */
export interface ResolvedCLI extends InstalledCLI {
	readOnly: string[]
}

export type ResolveCLI = (agent: AgentName) => Promise<ResolvedCLI>

export interface CLISourceOptions {
	isolation: Isolation
	image: string
	/** Where pinned CLIs are installed. */
	cacheDir: string
	onProgress: (line: string) => void
}

/** Where image builds record the versions that they installed: `{"codex": "0.169.0", ...}`. */
export const IMAGE_VERSIONS_FILE = '/opt/vibehq/clis/versions.json'

/** Finds each agent once, installs it if it must; a failure is not remembered. */
export function createCLISource(options: CLISourceOptions): ResolveCLI {
	const known = new Map<AgentName, Promise<ResolvedCLI>>()
	return (agent) => {
		const present = known.get(agent)
		if (present) return present
		const found = find(agent, options)
		known.set(agent, found)
		found.catch(() => known.delete(agent))
		return found
	}
}

async function find(agent: AgentName, { isolation, image, cacheDir, onProgress }: CLISourceOptions): Promise<ResolvedCLI> {
	if (isolation.cliSource === 'image') return await findInImage(agent, image)
	if (agent === 'cursor') return await findCursor()
	const cli = await ensureCLI(agent, { cacheDir, onProgress })
	return { ...cli, readOnly: [join(cacheDir, 'clis')] }
}

async function findInImage(agent: AgentName, image: string): Promise<ResolvedCLI> {
	const text = await readFromImage(image, IMAGE_VERSIONS_FILE)
	const versions: unknown = text === null ? {} : JSON.parse(text)
	const version = typeof versions === 'object' && versions !== null && agent in versions ? String(Object.entries(versions).find(([name]) => name === agent)?.[1]) : null
	if (version === null) throw new AppError('UNAVAILABLE', `The image ${image} has no ${agent}. Build it anew from containers/factory-base.Dockerfile.`)
	return { bin: agent, argvPrefix: [], version, env: {}, readOnly: [] }
}

/** It is not on npm and installs itself: the machine's owner puts it on the PATH. */
async function findCursor(): Promise<ResolvedCLI> {
	for (const directory of toolPath().split(delimiter)) {
		const path = join(directory, 'cursor-agent')
		if (!(await access(path, constants.X_OK).then(() => true, () => false))) continue
		const bin = await realpath(path)
		const asked = await runProgram({ bin, args: ['--version'], env: { PATH: toolPath(), HOME: '/nonexistent' }, timeoutMs: 20_000 })
		return { bin, argvPrefix: [], version: asked.stdout.toString().trim().slice(0, 100) || 'unknown', env: {}, readOnly: [dirname(bin)] }
	}
	throw new AppError('UNAVAILABLE', 'cursor-agent is not on the PATH. Install it with the script of cursor.com, then start the runner again.')
}
