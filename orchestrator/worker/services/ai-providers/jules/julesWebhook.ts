import { AppError, JULES_WEBHOOK_SECRETS } from '@shared/contracts'
import { z } from 'zod'
import type { Database } from '../../../database/client.ts'
import { claimKey } from '../../../database/repositories/idempotencyKeys.ts'
import { executionOfJulesSession } from '../../../database/repositories/julesSessions.ts'
import { parse } from '../../parse.ts'
import { sha256Of } from '../../sha256.ts'

export interface JulesWebhookDeps {
	db: Database
	now: () => number
	readSecret: (name: string) => string | undefined
	/** Has the Workflow of an execution look now. */
	nudge: (executionId: string) => Promise<void>
	workerName: string
}

/** What a relay tells: that something has happened in a session. What it was is read from Jules. */
export type JulesCallback = z.infer<typeof JulesCallback>
export const JulesCallback = z.strictObject({ session: z.string().regex(/^(?:sessions\/)?[A-Za-z0-9_-]{1,200}$/) })

export interface WebhookRequest {
	headers: Headers
	body: Uint8Array<ArrayBuffer>
}

/** By which the clock of a relay may differ from ours; a request that is older may have been caught by somebody. */
const MAX_AGE_MS = 5 * 60_000

/**
 * Signed as https://www.standardwebhooks.com says: `webhook-signature` has `v1,` and the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`
 * in base64; the secret is `whsec_` and base64, or any text. Jules itself calls nobody as yet.
 */
export function createJulesWebhook({ db, now, readSecret, nudge, workerName }: JulesWebhookDeps) {
	/** Throws NOT_CONFIGURED without a secret, UNAUTHENTICATED; nothing is parsed before the signature was checked. */
	async function verified({ headers, body }: WebhookRequest): Promise<string> {
		const secrets = JULES_WEBHOOK_SECRETS.flatMap((name) => readSecret(name) ?? [])
		if (secrets.length === 0) throw new AppError('NOT_CONFIGURED', 'There is no JULES_WEBHOOK_SECRET, so no call can be trusted. Set it here and in the relay.')
		const id = headers.get('webhook-id') ?? ''
		const timestamp = headers.get('webhook-timestamp') ?? ''
		const isFresh = /^\d{10}$/.test(timestamp) && Math.abs(now() - Number(timestamp) * 1000) <= MAX_AGE_MS
		if (!/^[\w-]{1,100}$/.test(id) || !isFresh) throw refused()
		const signed = concat(new TextEncoder().encode(`${id}.${timestamp}.`), body)
		const signatures = (headers.get('webhook-signature') ?? '').split(' ').slice(0, 5).flatMap(readSignature)
		for (const secret of secrets) {
			const key = await crypto.subtle.importKey('raw', keyOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
			for (const signature of signatures) if (await crypto.subtle.verify('HMAC', key, signature, signed)) return id
		}
		throw refused()
	}

	return {
		/**
		 * Wakes the poll of the session's execution; a session that is not ours wakes nobody. Throws NOT_CONFIGURED, UNAUTHENTICATED,
		 * INVALID_JSON, INVALID_INPUT, and IDEMPOTENCY_CONFLICT for a call that came before.
		 */
		async receive(request: WebhookRequest): Promise<{ isWoken: boolean }> {
			const id = await verified(request)
			const { session } = parse(JulesCallback, parseJSON(request.body), 'callback')
			await once(id, request.body)
			const executionId = await executionOfJulesSession(db, session.replace(/^sessions\//, ''))
			if (executionId === undefined) return { isWoken: false }
			await nudge(executionId)
			return { isWoken: true }
		},
	}

	async function once(id: string, body: Uint8Array): Promise<void> {
		try {
			await db.run(claimKey({ key: `jules-webhook ${id}`, requestHash: await sha256Of(body), response: '', origin: { workerName }, at: now() }))
		} catch (error) {
			if (!/UNIQUE/.test(String(error))) throw error
			throw new AppError('IDEMPOTENCY_CONFLICT', 'A call with this webhook-id has come already. Send each event once, under an id of its own.')
		}
	}
}
export type JulesWebhook = ReturnType<typeof createJulesWebhook>

const refused = () => new AppError('UNAUTHENTICATED', 'The call is not signed with our secret, or not of the last five minutes. Check JULES_WEBHOOK_SECRET and the clock of the relay.')

function readSignature(text: string): Uint8Array<ArrayBuffer>[] {
	const encoded = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1]
	return encoded === undefined ? [] : [bytesOf(encoded)]
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
	const encoded = /^whsec_((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(secret)?.[1]
	return encoded === undefined ? new Uint8Array(new TextEncoder().encode(secret)) : bytesOf(encoded)
}

const bytesOf = (base64: string) => new Uint8Array(Array.from(atob(base64), (character) => character.charCodeAt(0)))

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
	const all = new Uint8Array(first.length + second.length)
	all.set(first)
	all.set(second, first.length)
	return all
}

function parseJSON(body: Uint8Array): unknown {
	try {
		return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
	} catch {
		throw new AppError('INVALID_JSON', 'The body of the call is not JSON.')
	}
}
