import { createFactory } from './factory.ts'
import { createApp } from './http.ts'
import type { Env } from './env.ts'

// A factory fulfils orders of one kind. This one builds agents; all the work is the orchestrator's, over service bindings.
export default {
	fetch: (request, env) => createApp({ factory: createFactory(env), token: env.FACTORY_TOKEN, name: env.WORKER_NAME }).fetch(request),
} satisfies ExportedHandler<Env>
