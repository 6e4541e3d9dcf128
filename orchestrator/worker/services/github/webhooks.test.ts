import { sign } from '@octokit/webhooks-methods'
import { describe, expect, it } from 'vitest'
import { OWN_COMMENT, readCommand } from './webhookCommands.ts'
import { dedupeKey, MAX_WEBHOOK_BYTES, readWebhook } from './webhooks.ts'

const SECRET = "It's a Secret to Everybody"
const user = { login: 'will', type: 'User' }
const repository = { full_name: 'acme/shop', pushed_at: 1_800_000_000 }
const base = { repository, sender: user }
const id = (digit: string) => digit.repeat(40)

const comment = (body: string, more: object = {}) => ({ action: 'created', ...base, comment: { id: 5, body, user }, issue: { number: 3 }, ...more })
const pull = (more: object = {}) => ({ number: 9, head: { ref: 'factory/ORD-000001', sha: id('a'), repo: repository }, merged: false, ...more })
const review = (body: string, { comment: about = {}, ...more }: { comment?: object; [name: string]: unknown } = {}) => ({
	action: 'created',
	...base,
	comment: { id: 6, body, user, path: 'src/a.ts', line: 12, ...about },
	pull_request: pull(),
	...more,
})

interface Sent {
	event?: string
	payload?: unknown
	body?: string | Uint8Array<ArrayBuffer>
	secret?: string
	headers?: Record<string, string | undefined>
}

async function request({ event = 'ping', payload = { zen: 'x' }, body = JSON.stringify(payload), secret = SECRET, headers = {} }: Sent = {}) {
	const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
	const signature = bytes.length === 0 ? `sha256=${'0'.repeat(64)}` : await sign(secret, new TextDecoder().decode(bytes))
	const all = { 'content-type': 'application/json', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958', 'x-github-event': event, 'x-hub-signature-256': signature, ...headers }
	return { headers: new Headers(Object.entries(all).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))), body: bytes }
}

describe('readWebhook', () => {
	it('takes what GitHub signed', async () => {
		expect(await readWebhook(await request(), [SECRET])).toEqual({ deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958', event: 'ping', command: { kind: 'ping' } })
	})

	it("agrees with GitHub's own example of a signature", async () => {
		const known = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
		// The signature passes, so it is the body that is refused.
		await expect(readWebhook(await request({ body: 'Hello, World!', headers: { 'x-hub-signature-256': known } }), [SECRET])).rejects.toMatchObject({ code: 'INVALID_JSON' })
	})

	it('takes the secret before, while it is being changed', async () => {
		await expect(readWebhook(await request({ secret: 'old' }), ['new', 'old'])).resolves.toMatchObject({ event: 'ping' })
		await expect(readWebhook(await request({ secret: 'older' }), ['new', 'old'])).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
	})

	it.each<[string, Sent, string]>([
		['another secret', { secret: 'guess' }, 'UNAUTHENTICATED'],
		['no signature', { headers: { 'x-hub-signature-256': undefined } }, 'UNAUTHENTICATED'],
		['a signature that is no digits', { headers: { 'x-hub-signature-256': `sha256=${'z'.repeat(64)}` } }, 'UNAUTHENTICATED'],
		['a short signature', { headers: { 'x-hub-signature-256': 'sha256=ab' } }, 'UNAUTHENTICATED'],
		['the older kind of signature', { headers: { 'x-hub-signature-256': `sha1=${'a'.repeat(40)}` } }, 'UNAUTHENTICATED'],
		['an empty body', { body: '' }, 'UNAUTHENTICATED'],
		['a body that is no text', { body: Uint8Array.of(0xff, 0xfe, 0x7b) }, 'UNAUTHENTICATED'],
		['a body with a mark before it', { body: '\ufeff{}' }, 'UNAUTHENTICATED'],
		['too much', { body: 'x'.repeat(MAX_WEBHOOK_BYTES + 1) }, 'PAYLOAD_TOO_LARGE'],
		['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 'UNSUPPORTED_MEDIA_TYPE'],
		['no delivery id', { headers: { 'x-github-delivery': undefined } }, 'INVALID_INPUT'],
		['an odd delivery id', { headers: { 'x-github-delivery': 'a b' } }, 'INVALID_INPUT'],
		['no event', { headers: { 'x-github-event': undefined } }, 'INVALID_INPUT'],
		['an odd event', { headers: { 'x-github-event': 'Push!' } }, 'INVALID_INPUT'],
		['no JSON', { body: '{"a":' }, 'INVALID_JSON'],
		['another shape', { event: 'push', payload: { ref: 7 } }, 'INVALID_INPUT'],
		['no object at all', { event: 'issue_comment', payload: null }, 'INVALID_INPUT'],
	])('refuses %s', async (_name, sent, code) => {
		await expect(readWebhook(await request(sent), [SECRET])).rejects.toMatchObject({ code })
	})

	it('refuses a right digest without its name', async () => {
		const made = await request()
		made.headers.set('x-hub-signature-256', made.headers.get('x-hub-signature-256')?.replace('sha256=', '') ?? '')
		await expect(readWebhook(made, [SECRET])).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
	})

	it('refuses a body that was changed on its way', async () => {
		const made = await request({ event: 'issue_comment', payload: comment('/vibehq fix it') })
		const body = new TextEncoder().encode(new TextDecoder().decode(made.body).replace('fix', 'rob'))
		await expect(readWebhook({ ...made, body }, [SECRET])).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
	})

	it.each([[[]], [['']]])('trusts nobody without a secret: %j', async (secrets) => {
		await expect(readWebhook(await request(), secrets)).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
	})
})

describe('readCommand makes', () => {
	it('an order of a comment', () => {
		expect(readCommand('issue_comment', comment('/vibehq fix the\nbuild'))).toEqual({ kind: 'order', repo: 'acme/shop', prompt: 'fix the\nbuild', author: 'will', needs: 'write', commentId: 5, issue: 3, isPullRequest: false })
		expect(readCommand('issue_comment', comment('\n/vibehq branch=release/1.2 fix it', { issue: { number: 3, pull_request: {} } }))).toMatchObject({ prompt: 'fix it', branch: 'release/1.2', isPullRequest: true })
		expect(readCommand('issue_comment', comment('/vibehq branch=../x fix it'))).toEqual(expect.objectContaining({ prompt: 'branch=../x fix it' }))
	})

	it('a follow-up of a remark on our pull request', () => {
		expect(readCommand('pull_request_review_comment', review('rename this'))).toEqual({
			kind: 'followup', repo: 'acme/shop', pullRequest: 9, branch: 'factory/ORD-000001', prompt: 'rename this', author: 'will', needs: 'write', commentId: 6, path: 'src/a.ts', line: 12,
		})
		expect(readCommand('pull_request_review_comment', review('/vibehq rename', { comment: { in_reply_to_id: 4, line: null } }))).toMatchObject({ kind: 'followup', prompt: 'rename' })
	})

	it('news of a pull request that ended', () => {
		const closed = (more: object) => readCommand('pull_request', { action: 'closed', ...base, pull_request: pull({ closed_at: '2026-11-20T12:00:00Z', ...more }) })
		expect(closed({ merged: true, merge_commit_sha: id('b') })).toMatchObject({ kind: 'merged', pullRequest: 9, isOurs: true, commit: id('b'), by: 'will' })
		expect(closed({})).toMatchObject({ kind: 'closed', commit: id('a') })
		expect(closed({ head: { ref: 'factory/ORD-000001', sha: id('a'), repo: { full_name: 'mallory/shop' } } })).toMatchObject({ isOurs: false })
		expect(closed({ head: { ref: 'factory/ORD-000001', sha: id('a'), repo: null } })).toMatchObject({ isOurs: false })
	})

	it('news of a push', () => {
		const push = { ...base, ref: 'refs/heads/main', before: id('0'), after: id('b'), forced: false }
		expect(readCommand('push', push)).toEqual({ kind: 'pushed', repo: 'acme/shop', ref: 'refs/heads/main', before: null, after: id('b'), isForced: false, by: 'will', pushedAt: '1800000000' })
	})

	it.each<[string, string, unknown]>([
		['other events', 'star', {}],
		['other comments', 'issue_comment', comment('please /vibehq fix it')],
		['words that only begin alike', 'issue_comment', comment('/vibehqs fix it')],
		['no prompt', 'issue_comment', comment('/vibehq  \n')],
		['a prompt without end', 'issue_comment', comment(`/vibehq ${'x'.repeat(60_001)}`)],
		['edited comments', 'issue_comment', comment('/vibehq fix it', { action: 'edited' })],
		['deleted comments', 'issue_comment', comment('/vibehq fix it', { action: 'deleted' })],
		['bots', 'issue_comment', comment('/vibehq fix it', { sender: { login: 'x', type: 'Bot' }, comment: { id: 5, body: '/vibehq fix it', user: { login: 'x', type: 'Bot' } } })],
		['bots that say they are people', 'issue_comment', comment('/vibehq x', { sender: { login: 'x[bot]', type: 'User' }, comment: { id: 5, body: '/vibehq x', user: { login: 'x[bot]', type: 'User' } } })],
		['comments of one that another sends', 'issue_comment', comment('/vibehq fix it', { sender: { login: 'mallory', type: 'User' } })],
		['our own comments', 'issue_comment', comment(`/vibehq fix it\n${OWN_COMMENT}`)],
		['comments of nobody', 'issue_comment', comment('/vibehq x', { comment: { id: 5, body: '/vibehq x', user: null } })],
		['remarks on the work of others', 'pull_request_review_comment', review('x', { pull_request: pull({ head: { ref: 'feature', sha: id('a'), repo: repository } }) })],
		['remarks on a fork that has our name', 'pull_request_review_comment', review('x', { pull_request: pull({ head: { ref: 'factory/x', sha: id('a'), repo: { full_name: 'mallory/shop' } } }) })],
		['people talking', 'pull_request_review_comment', review('I agree', { comment: { in_reply_to_id: 4 } })],
		['our own remarks', 'pull_request_review_comment', review(`done ${OWN_COMMENT}`)],
		['pull requests that go on', 'pull_request', { action: 'synchronize', ...base, pull_request: pull() }],
	])('nothing of %s', (_name, event, payload) => {
		expect(readCommand(event, payload)).toMatchObject({ kind: 'ignored', reason: expect.any(String) })
	})
})

describe('dedupeKey', () => {
	const keyOf = (event: string, payload: unknown, deliveryId = 'a') => dedupeKey({ deliveryId, event, command: readCommand(event, payload) })

	it('is the same for a replay under another delivery id', () => {
		for (const [event, payload] of [['issue_comment', comment('/vibehq x')], ['pull_request_review_comment', review('x')], ['pull_request', { action: 'closed', ...base, pull_request: pull() }]] as const) {
			expect(keyOf(event, payload, 'a')).toBe(keyOf(event, payload, 'b'))
		}
		expect(keyOf('ping', {}, 'a')).not.toBe(keyOf('ping', {}, 'b'))
	})

	it('differs where something else was asked', () => {
		const push = (before: string, after: string, pushed_at: number) => ({ ...base, repository: { ...repository, pushed_at }, ref: 'refs/heads/main', before: id(before), after: id(after), forced: false })
		const keys = [
			keyOf('issue_comment', comment('/vibehq x')),
			keyOf('issue_comment', comment('/vibehq x', { comment: { id: 7, body: '/vibehq x', user } })),
			keyOf('pull_request_review_comment', review('x')),
			keyOf('push', push('a', 'b', 1)),
			keyOf('push', push('b', 'a', 2)),
			keyOf('push', push('a', 'b', 3)),
		]
		expect(new Set(keys).size).toBe(keys.length)
	})
})
