// What the caller uses of the platform: the whole of its types would stand in the way of Node's, which the rest of this package is for.
declare module 'cloudflare:workers' {
	export abstract class WorkerEntrypoint<Env> {
		protected readonly env: Env
	}
}
