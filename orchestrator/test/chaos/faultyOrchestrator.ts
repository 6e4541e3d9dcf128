// The orchestrator as it is, on a D1 of which one call in thirty fails and one is slow for whoever comes over REST.
import orchestrator from '../../worker/index.ts'
import type { Env } from '../../worker/env.ts'
import { FAULT_LINE, faultyD1 } from './faultyD1.ts'

export * from '../../worker/index.ts'

const SHARE = 1 / 30
/** At most; a quarter of a lease. */
const LINGERS_MS = 500
const linger = () => new Promise<void>((resolve) => setTimeout(resolve, LINGERS_MS * Math.random()))

export default {
	...orchestrator,
	fetch: (request, env, ctx) => orchestrator.fetch(request, { ...env, DB: faultyD1(env.DB, { share: SHARE, random: Math.random, linger, onFault: (when) => console.warn(`${FAULT_LINE} ${when}`) }) }, ctx),
} satisfies ExportedHandler<Env>
