import { AppError } from '@shared/contracts'
import { canBubblewrap, createBubblewrapIsolation } from './bubblewrap.ts'
import { createContainerIsolation, findAgentUser } from './container.ts'
import { canDocker, createDockerIsolation } from './docker.ts'
import type { Isolation, IsolationKind } from './isolation.ts'
import { createProcessIsolation } from './process.ts'

export interface SelectOptions {
	choice: IsolationKind | 'auto'
	orchestratorURL: string
	/** What agents must not see; a directory ends with a slash. */
	hidden: readonly string[]
	shown: readonly string[]
	image: string
	env?: Record<string, string | undefined>
}

/**
 * The strongest isolation at hand, or the one that was named.
 * @throws AppError ISOLATION_UNAVAILABLE when the named one does not work here, with what is missing
 */
export async function selectIsolation(options: SelectOptions): Promise<Isolation> {
	const { choice } = options
	if (choice !== 'auto') {
		const isolation = await makers[choice](options)
		if (isolation) return isolation
		throw new AppError('ISOLATION_UNAVAILABLE', `Isolation "${choice}" does not work here. ${REMEDIES[choice]}`)
	}
	for (const kind of ['container', 'docker', 'bubblewrap'] as const) {
		if (kind === 'container' && (options.env ?? process.env)['VIBEHQ_IN_CONTAINER'] !== '1') continue
		const isolation = await makers[kind](options)
		if (isolation) return isolation
	}
	return createProcessIsolation()
}

const makers: Record<IsolationKind, (options: SelectOptions) => Promise<Isolation | null>> = {
	async container() {
		const agent = await findAgentUser('agent')
		return agent && createContainerIsolation({ agent })
	},
	async docker({ image, orchestratorURL }) {
		return (await canDocker(image)) ? createDockerIsolation({ image, orchestratorURL }) : null
	},
	async bubblewrap({ hidden, shown }) {
		return (await canBubblewrap()) ? createBubblewrapIsolation({ hidden, shown }) : null
	},
	process: async () => createProcessIsolation(),
}

const REMEDIES: Record<IsolationKind, string> = {
	container: 'It needs a user named "agent" that the runner may become by sudo, as in the factory-base image; no-new-privileges forbids that, unless the runner is root.',
	docker: 'It needs a Docker daemon and the factory-base image (name it with VIBEHQ_AGENT_IMAGE).',
	bubblewrap: 'It needs the program bwrap (Debian and Ubuntu: apt-get install bubblewrap) and unprivileged user namespaces.',
	process: '',
}

/**
 * A bare process obeys whatever a repository tells its agent, so it needs the emulator or the owner's word.
 * @throws AppError ISOLATION_UNAVAILABLE
 */
export function requireConfinement(isolation: Isolation, { isTrusted, upstream }: { isTrusted: boolean; upstream: string | undefined }): void {
	if (isolation.isConfining || isTrusted || upstream === 'emulator') return
	throw new AppError(
		'ISOLATION_UNAVAILABLE',
		'This host has nothing that confines an agent. Install bubblewrap (apt-get install bubblewrap) or Docker, or start the runner with --trust-host.',
	)
}
