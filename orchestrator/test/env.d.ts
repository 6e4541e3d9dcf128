// What `env` of cloudflare:workers holds inside unit tests.
declare namespace Cloudflare {
	interface Env {
		DB: D1Database
		OUTPUTS: R2Bucket
		POOL_SNAPSHOTS: KVNamespace
		CONTAINER_POOL: DurableObjectNamespace<import('../worker/durable-objects/ContainerPool.ts').ContainerPool>
		EVENT_HUB: DurableObjectNamespace<import('../worker/durable-objects/EventHub.ts').EventHub>
		TEST_MIGRATIONS: import('@cloudflare/vitest-plugin').D1Migration[]
	}
}
