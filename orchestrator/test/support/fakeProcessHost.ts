import { POOL_BINDINGS, POOL_HOST_URL } from './pools.ts'

/** What runs under one name, until it is destroyed. */
interface FakeRunner {
	state: 'up' | 'silent' | 'ended'
	exitCode: number | null
	generation: number
	instanceId: string
	runnerToken: string
}

/** A process host as the orchestrator sees it, in memory: the same paths and answers as the real one. Put `fetch` in the place of the global one. */
export function createFakeProcessHost() {
	const runners = new Map<string, FakeRunner>()
	const calls: string[] = []
	const weather = { isAway: false, ignoresSignals: false }

	function answer(method: string, [pool = '', name = '', verb = '']: string[], body: { signal?: string; instanceId?: string; generation?: number; runnerToken?: string }): unknown {
		const key = `${pool}/${name}`
		const runner = runners.get(key)
		const isUp = runner !== undefined && runner.state !== 'ended'
		if (name === '') return { names: [...runners].flatMap(([each, { state }]) => (each.startsWith(`${pool}/`) && state !== 'ended' ? [each.slice(pool.length + 1)] : [])) }
		if (verb === 'probe') {
			if (!isUp) return { kind: 'gone', exitCode: runner?.exitCode ?? null }
			return runner.state === 'silent' ? { kind: 'silent', detail: 'no answer' } : { kind: 'answered', statusCode: 200, latencyMs: 1 }
		}
		calls.push(`${method} ${key}${verb === '' ? '' : ` ${body.signal ?? ''}`}`)
		if (verb === 'stop') {
			if (isUp && (body.signal === 'SIGKILL' || !weather.ignoresSignals)) Object.assign(runner, { state: 'ended', exitCode: 0 })
			return { isStopped: !isUp }
		}
		if (method === 'DELETE') runners.delete(key)
		if (method === 'PUT' && !isUp) runners.set(key, { state: 'up', exitCode: null, generation: body.generation ?? 0, instanceId: body.instanceId ?? '', runnerToken: body.runnerToken ?? '' })
		return {}
	}

	return {
		weather,
		/** Changing calls, oldest first. */
		calls,
		runner(pool: string, name: string): FakeRunner {
			const found = runners.get(`${pool}/${name}`)
			if (found === undefined) throw new Error(`There is no ${pool}/${name}.`)
			return found
		},
		running: (pool: string) => [...runners].flatMap(([key, { state }]) => (key.startsWith(`${pool}/`) && state !== 'ended' ? [key.slice(pool.length + 1)] : [])).sort(),
		/** Something that nobody asked for. */
		smuggle: (pool: string, name: string) => void runners.set(`${pool}/${name}`, { state: 'up', exitCode: null, generation: 0, instanceId: name, runnerToken: '' }),
		async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
			const request = new Request(input, init)
			const url = new URL(request.url)
			if (url.origin !== POOL_HOST_URL) throw new TypeError(`Nothing but the process host is reached in unit tests, not ${url.origin}.`)
			if (weather.isAway) throw new TypeError('fetch failed')
			if (request.headers.get('authorization') !== `Bearer ${POOL_BINDINGS.POOL_HOST_TOKEN}`) return Response.json({ error: 'who are you?' }, { status: 401 })
			const [, pool = '', name = '', verb = ''] = /^\/pools\/([^/]+)\/instances(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(url.pathname) ?? []
			const body = (await request.json().catch(() => ({}))) as Parameters<typeof answer>[2]
			return Response.json(answer(request.method, [pool, name, verb].map(decodeURIComponent), body))
		},
	}
}
