// The orchestrator as it is, on a D1 of which one call in thirty fails for whoever comes over REST.
import orchestrator from '../../worker/index.ts'
import type { Env } from '../../worker/env.ts'
import { FAULT_LINE, faultyD1 } from './faultyD1.ts'

export * from '../../worker/index.ts'

const SHARE = 1 / 30

export default {
	...orchestrator,
	fetch: (request, env, ctx) => orchestrator.fetch(request, { ...env, DB: faultyD1(env.DB, { share: SHARE, random: Math.random, onFault: (when) => console.warn(`${FAULT_LINE} ${when}`) }) }, ctx),
} satisfies ExportedHandler<Env>
