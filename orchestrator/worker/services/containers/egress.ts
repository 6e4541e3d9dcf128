import { AppError, toErrorBody } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { policiesOfLeases } from '../../database/repositories/containerLeases.ts'

/** Which container of which Worker's pool. */
export interface ContainerPlace {
	workerName: string
	instanceId: string
}

export interface EgressDeps {
	db: Database
	/** The orchestrator's own doors. */
	orchestrator: (request: Request) => Promise<Response>
	fetch: typeof globalThis.fetch
	now: () => number
}

/** Where a container finds the orchestrator: a name that exists inside containers only. */
export const INSIDE_HOST = 'orchestrator.internal'
/** The platform puts the authority there that signs what it answers in the name of other hosts. */
const CERTIFICATES = '/etc/cloudflare/certs/cloudflare-containers-ca.crt'

/** What programs in a container must know to get out through here. */
export const insideVariables = (): Readonly<Record<string, string>> => ({
	ORCHESTRATOR_URL: `http://${INSIDE_HOST}`,
	NODE_EXTRA_CA_CERTS: CERTIFICATES,
	SSL_CERT_FILE: CERTIFICATES,
	GIT_SSL_CAINFO: CERTIFICATES,
})

/**
 * The only way out of a container: to the orchestrator, whose doors ask for a token as everywhere, and to the hosts that the workspace
 * of the work in it allows. That is looked up in the leases with each request, so that it ends with the lease.
 */
export function createEgress({ db, orchestrator, fetch, now }: EgressDeps) {
	return async (request: Request, place: ContainerPlace): Promise<Response> => {
		const { hostname } = new URL(request.url)
		if (hostname === INSIDE_HOST) return orchestrator(request)
		const policies = await policiesOfLeases(db, { assignedTo: `${place.workerName}:${place.instanceId}`, at: now() })
		const isAllowed = policies.some(({ allowedHosts }) => allowedHosts.some((pattern) => isHostOf(pattern, hostname)))
		if (!isAllowed) return refusal(403, new AppError('HOST_NOT_ALLOWED', `This container may not reach ${hostname}. The policy of the workspace lists what it may reach: allowedHosts.`))
		try {
			// A redirect comes back here as a request of its own.
			return await fetch(new Request(request, { redirect: 'manual' }))
		} catch (error) {
			return refusal(502, new AppError('HOST_UNREACHABLE', `${hostname} does not answer: ${error instanceof Error ? error.message : String(error)}`))
		}
	}
}

/** `*.example.com` is every name below example.com, not the name itself. */
function isHostOf(pattern: string, hostname: string): boolean {
	const name = hostname.toLowerCase()
	return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern
}

const refusal = (status: number, error: AppError): Response => Response.json({ error: toErrorBody(error) }, { status })
