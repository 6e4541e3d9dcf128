import { AppError } from '@shared/contracts'
import type { Routable } from './chooseInstance.ts'

export interface Attempt<Instance extends Routable, Answer> {
	method: string
	/** Another one than `exclude`, or null. */
	choose: (exclude?: string) => Instance | null
	/** Called twice at most, so a body must be one that can be sent again. */
	send: (instance: Instance) => Promise<Answer>
	/** True when the request cannot have reached the instance. */
	isConnectFailure?: (error: unknown) => boolean
	retryAfterS?: number
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
// "Network connection lost" is not among them: it may follow a request that was carried out.
const CONNECT_FAILURES = [/not listening/i, /connection refused/i, /ECONNREFUSED/, /not running/i, /no container instance/i]

const looksUnconnected = (error: unknown): boolean => CONNECT_FAILURES.some((pattern) => pattern.test(error instanceof Error ? error.message : String(error)))

/**
 * Sends a request to an instance, and once more to another when the first could not be reached and the method may be repeated.
 * Throws UNAVAILABLE with `retryAfterS` (a door answers 503 with Retry-After) when no instance took it; any other failure passes through.
 */
export async function withOneRetry<Instance extends Routable, Answer>(attempt: Attempt<Instance, Answer>): Promise<Answer> {
	const { method, choose, send, isConnectFailure = looksUnconnected, retryAfterS = 5 } = attempt
	const unavailable = (why: string) => new AppError('UNAVAILABLE', `${why} Try again in ${retryAfterS} s.`, { retryAfterS })
	const first = choose()
	if (!first) throw unavailable('No container instance takes work now.')
	try {
		return await send(first)
	} catch (error) {
		if (!isConnectFailure(error)) throw error
	}
	if (!IDEMPOTENT.has(method.toUpperCase())) throw unavailable(`${first.instanceId} could not be reached, and ${method} is not repeated by itself.`)
	const second = choose(first.instanceId)
	if (!second) throw unavailable(`${first.instanceId} could not be reached, and no other instance takes work now.`)
	try {
		return await send(second)
	} catch (error) {
		throw isConnectFailure(error) ? unavailable(`Neither ${first.instanceId} nor ${second.instanceId} could be reached.`) : error
	}
}
