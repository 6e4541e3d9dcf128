import { WorkerEntrypoint } from 'cloudflare:workers'
import { createDatabase } from '../database/client.ts'
import { ownDoors } from '../env.ts'
import type { Env } from '../env.ts'
import { createEgress } from '../services/containers/egress.ts'
import type { ContainerPlace } from '../services/containers/egress.ts'

/** Where the platform sends all that a container sends to the outside. Not bound to anybody: `AgentContainer` hands it to the platform. */
export class ContainerEgress extends WorkerEntrypoint<Env, ContainerPlace> {
	override fetch(request: Request): Promise<Response> {
		const egress = createEgress({ db: createDatabase(this.env.DB), orchestrator: (own) => ownDoors.default.fetch(own), fetch: (input, init) => fetch(input, init), now: () => Date.now() })
		return egress(request, this.ctx.props)
	}
}
