import { createHmac } from 'node:crypto'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, sql } from '../../../database/client.ts'
import { createJulesWebhook } from './julesWebhook.ts'

const db = createDatabase(env.DB)
const NOW = 1_800_000_000_000
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const BODY = '{"session":"sessions/31415"}'

let woken: string[] = []
let secrets: Record<string, string> = {}
const webhook = createJulesWebhook({ db, now: () => NOW, readSecret: (name) => secrets[name], nudge: async (id) => void woken.push(id), workerName: 'orchestrator' })

interface Call {
	id?: string
	timestamp?: string
	body?: string | Uint8Array<ArrayBuffer>
	secret?: string
	/** In place of what was signed. */
	headers?: Record<string, string>
	sent?: string
}

let count = 0
function call({ id = `msg_${(count += 1)}`, timestamp = String(NOW / 1000), body = BODY, secret = SECRET, headers = {}, sent }: Call = {}) {
	const bytes = typeof body === 'string' ? new Uint8Array(new TextEncoder().encode(body)) : body
	const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
	const signature = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(bytes).digest('base64')}`
	return { headers: new Headers({ 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature, ...headers }), body: sent === undefined ? bytes : new Uint8Array(new TextEncoder().encode(sent)) }
}

beforeEach(async () => {
	woken = []
	secrets = { JULES_WEBHOOK_SECRET: SECRET }
	await db.batch([
		sql.deleteFrom('jules_sessions'),
		sql.insertInto('jules_sessions').values({ execution_id: 'EXE-1', session_name: 'sessions/31415', worker_name: 'w' }),
	])
})

describe('the Jules webhook', () => {
	it('wakes the execution of the session', async () => {
		expect(await webhook.receive(call())).toEqual({ isWoken: true })
		expect(await webhook.receive(call({ body: '{"session":"31415"}' }))).toEqual({ isWoken: true })
		expect(woken).toEqual(['EXE-1', 'EXE-1'])
	})

	it('wakes nobody for a session that is not ours', async () => {
		expect(await webhook.receive(call({ body: '{"session":"27182"}' }))).toEqual({ isWoken: false })
		expect(woken).toEqual([])
	})

	it('agrees with the example of the specification', async () => {
		const sample = createJulesWebhook({ db, now: () => 1_614_265_330_000, readSecret: () => SECRET, nudge: async () => undefined, workerName: 'w' })
		const headers = { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' }
		// The signature passes, so it is the body that is refused.
		await expect(sample.receive({ headers: new Headers(headers), body: new Uint8Array(new TextEncoder().encode('{"test": 2432232314}')) })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})

	it('takes the secret before while it is being changed, and any text as one', async () => {
		secrets = { JULES_WEBHOOK_SECRET: 'new', JULES_WEBHOOK_SECRET_OLD: SECRET }
		expect(await webhook.receive(call())).toEqual({ isWoken: true })
		expect(await webhook.receive(call({ secret: 'new' }))).toEqual({ isWoken: true })
		const both = call()
		both.headers.set('webhook-signature', `v1,${'A'.repeat(43)}= ${both.headers.get('webhook-signature')}`)
		expect(await webhook.receive(both)).toEqual({ isWoken: true })
	})

	it('refuses everything without a secret', async () => {
		secrets = {}
		await expect(webhook.receive(call())).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
	})

	it.each<[string, Call, string]>([
		['another secret', { secret: 'guess' }, 'UNAUTHENTICATED'],
		['another body than was signed', { sent: '{"session":"other"}' }, 'UNAUTHENTICATED'],
		['another id than was signed', { headers: { 'webhook-id': 'msg_other' } }, 'UNAUTHENTICATED'],
		['another time than was signed', { headers: { 'webhook-timestamp': String(NOW / 1000 + 1) } }, 'UNAUTHENTICATED'],
		['no signature', { headers: { 'webhook-signature': '' } }, 'UNAUTHENTICATED'],
		['a signature of another version', { headers: { 'webhook-signature': `v2,${'A'.repeat(43)}=` } }, 'UNAUTHENTICATED'],
		['a signature that is too short', { headers: { 'webhook-signature': 'v1,AAAA' } }, 'UNAUTHENTICATED'],
		['a signature that is no base64', { headers: { 'webhook-signature': `v1,${'!'.repeat(43)}=` } }, 'UNAUTHENTICATED'],
		['a call of yesterday', { timestamp: String(NOW / 1000 - 86_400) }, 'UNAUTHENTICATED'],
		['a call of tomorrow', { timestamp: String(NOW / 1000 + 86_400) }, 'UNAUTHENTICATED'],
		['a time that is none', { timestamp: 'soon' }, 'UNAUTHENTICATED'],
		['an odd id', { id: 'a.b' }, 'UNAUTHENTICATED'],
		['no body', { body: '' }, 'INVALID_JSON'],
		['no JSON', { body: '{"session":' }, 'INVALID_JSON'],
		['bytes that are no text', { body: Uint8Array.of(0xff, 0xfe) }, 'INVALID_JSON'],
		['another shape', { body: '[]' }, 'INVALID_INPUT'],
		['another field', { body: '{"session":"1","state":"COMPLETED"}' }, 'INVALID_INPUT'],
		['a session that leads elsewhere', { body: '{"session":"../../x"}' }, 'INVALID_INPUT'],
	])('refuses %s', async (_name, sent, code) => {
		await expect(webhook.receive(call(sent))).rejects.toMatchObject({ code })
		expect(woken).toEqual([])
	})

	it('takes a call once, however many come at the same time', async () => {
		const same = call({ id: `msg_${NOW}` })
		const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => webhook.receive(same)))
		expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
		expect(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))).toEqual(Array.from({ length: 3 }, () => expect.objectContaining({ code: 'IDEMPOTENCY_CONFLICT' })))
		expect(woken).toEqual(['EXE-1'])
	})
})
