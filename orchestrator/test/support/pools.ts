/** Pools of the unit tests: quick, and each for one test, because an object keeps what it has seen. */
export const POOL_NAMES = ['sizes', 'crashes', 'queue', 'evicted', 'cut-off', 'crowd', 'drained', 'doors', 'bound'] as const

const QUICK = {
	max: 4,
	probeIntervalMs: 100,
	fastProbeIntervalMs: 100,
	rise: 1,
	fall: 2,
	maxParallelStarts: 4,
	startStaggerMs: 0,
	upCooldownMs: 0,
	downCooldownMs: 0,
	idleMs: 0,
	backoffMs: 0,
	killAfterMs: 100,
	callTimeoutMs: 1000,
	listIntervalMs: 100,
	orphanGraceMs: 0,
}

export const POOL_HOST_URL = 'http://pool-host.test'
export const POOL_BINDINGS = {
	CONTAINER_POOLS: JSON.stringify({
		...Object.fromEntries(POOL_NAMES.map((name) => [name, QUICK])),
		// None for the orchestrator: it would wake for the work of every other test.
		'without-class': { ...QUICK, driver: 'cloudflare' },
	}),
	POOL_HOST_URL,
	POOL_HOST_TOKEN: 'token-of-the-pool-host',
	TOKEN_SIGNING_KEY: btoa('k'.repeat(32)),
}
