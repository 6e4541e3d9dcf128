import { AppError } from '@shared/contracts'
import type { ContainerDriver, InstanceRef } from '@shared/container-load-balancer'
import { z } from 'zod'

export interface ProcessHostDeps {
	/** POOL_HOST_URL and POOL_HOST_TOKEN. */
	url: string
	token: string
	/** Each pool has its own names on the host. */
	workerName: string
	/** The token of a runner that is to be started. */
	tokenOf: (instance: InstanceRef) => Promise<string>
	fetch: typeof globalThis.fetch
}

const MAX_ANSWER_CHARS = 1_000_000

const Stopped = z.object({ isStopped: z.boolean() })
const Names = z.object({ names: z.array(z.string().max(200)).max(10_000) })
const Probe = z.discriminatedUnion('kind', [
	z.object({ kind: z.literal('answered'), statusCode: z.int(), latencyMs: z.number(), detail: z.string().exactOptional() }),
	z.object({ kind: z.literal('silent'), detail: z.string() }),
	z.object({ kind: z.literal('gone'), exitCode: z.int().nullable(), detail: z.string().exactOptional() }),
	z.object({ kind: z.literal('refused'), detail: z.string() }),
])
const Failure = z.object({ error: z.string().max(2000) })

/** Runners as processes of one machine, by a host program there that starts, ends and probes them. */
export function createProcessHostDriver({ url, token, workerName, tokenOf, fetch }: ProcessHostDeps): ContainerDriver {
	const base = `${url.replace(/\/+$/, '')}/pools/${encodeURIComponent(workerName)}/instances`

	async function call<Schema extends z.ZodType>(request: { method: string; path?: string; body?: unknown }, schema: Schema): Promise<z.output<Schema>> {
		const { method, path = '', body } = request
		const response = await fetch(base + path, {
			method,
			headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		})
		const answer = parseJSON((await response.text()).slice(0, MAX_ANSWER_CHARS))
		if (!response.ok) throw new AppError('UNAVAILABLE', `The process host answered ${response.status}: ${Failure.safeParse(answer).data?.error ?? 'without saying why'}`)
		const parsed = schema.safeParse(answer)
		if (parsed.success) return parsed.data
		throw new AppError('UNAVAILABLE', 'The process host did not answer as agreed. Are it and the orchestrator of one version?')
	}
	const at = (platformName: string) => `/${encodeURIComponent(platformName)}`

	return {
		async start(instance) {
			const { platformName, instanceId, generation } = instance
			await call({ method: 'PUT', path: at(platformName), body: { instanceId, generation, runnerToken: await tokenOf(instance) } }, z.unknown())
		},
		async stop({ platformName }, signal) {
			return (await call({ method: 'POST', path: `${at(platformName)}/stop`, body: { signal } }, Stopped)).isStopped
		},
		async destroy({ platformName }) {
			await call({ method: 'DELETE', path: at(platformName) }, z.unknown())
		},
		probe: ({ platformName }) => call({ method: 'GET', path: `${at(platformName)}/probe` }, Probe),
		list: async () => (await call({ method: 'GET' }, Names)).names,
	}
}

function parseJSON(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined
	}
}
