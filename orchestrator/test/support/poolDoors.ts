import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { TokenKind } from '@shared/contracts'
import type { Env } from '../../worker/env.ts'
import { createApp } from '../../worker/http/app.ts'
import { createServices } from '../../worker/services.ts'
import { createTokens } from '../../worker/services/security/tokens.ts'
import { POOL_BINDINGS } from './pools.ts'

const tokens = createTokens({ key: POOL_BINDINGS.TOKEN_SIGNING_KEY, now: Date.now })
export const tokenOf = (kind: Extract<TokenKind, 'operator' | 'worker' | 'runner'>, workerName: string, containerName?: string) =>
	tokens.mint({ kind, subject: `a-${kind}`, workerName, ttlMs: 3_600_000, ...(containerName === undefined ? {} : { containerName }) })

const app = createApp(createServices)

/** Calls a route of the real app, behind which are the real objects. */
export async function request(token: string | null, method: string, path: string, body?: unknown) {
	const headers = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
	const init = { method, headers, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) }
	const response = await app.request(path, init, env as unknown as Env, createExecutionContext())
	const answer = (await response.json().catch(() => null)) as Record<string, unknown> & { error?: { code: string; message: string } }
	return { status: response.status, body: answer, code: answer?.error?.code }
}

/** Alarms would go on into other files. */
export async function forgetPools(names: readonly string[]): Promise<void> {
	await Promise.all(names.map(forgetPool))
}

async function forgetPool(name: string): Promise<void> {
	const object = env.CONTAINER_POOL.getByName(name)
	// A look that was under way sets one more.
	for (let isAwake = true; isAwake; ) {
		await runInDurableObject(object, async (_object, { storage }) => {
			await storage.deleteAlarm()
			await storage.deleteAll()
		})
		await new Promise((resolve) => setTimeout(resolve, 100))
		isAwake = (await runInDurableObject(object, (_object, { storage }) => storage.getAlarm())) !== null
	}
}
