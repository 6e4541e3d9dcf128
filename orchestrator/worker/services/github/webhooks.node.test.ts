import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isAppError } from '@shared/contracts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createPullRequests } from './pullRequests.ts'
import { dedupeKey, readWebhook } from './webhooks.ts'
import type { WebhookDelivery } from './webhooks.ts'
import { build, headOf, NAME, PLACE, put, startGitHub } from './testing/fixture.ts'
import type { GitHubFixture } from './testing/fixture.ts'

const SECRET = 'a webhook secret'
let github: GitHubFixture
let server: Server
let secrets: string[]
const received: WebhookDelivery[] = []

beforeEach(async () => {
	received.length = 0
	secrets = [SECRET]
	server = createServer((request, response) => {
		const chunks: Buffer[] = []
		request.on('data', (chunk: Buffer) => chunks.push(chunk))
		request.on('end', () => {
			const headers = new Headers(Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]))
			readWebhook({ headers, body: Buffer.concat(chunks) }, secrets).then(
				(delivery) => {
					received.push(delivery)
					response.writeHead(202).end()
				},
				(error: unknown) => response.writeHead(isAppError(error) && error.code === 'UNAUTHENTICATED' ? 401 : 500).end(),
			)
		})
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	const webhookURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/github`
	github = await startGitHub({ webhookSecret: SECRET, webhookURL })
})
afterEach(async () => {
	await github.close()
	server.closeAllConnections()
	await new Promise((resolve) => server.close(resolve))
})

const kinds = () => received.map(({ command }) => command.kind)

it('understands what happens to an order on GitHub, from comment to merge', async () => {
	const issue = github.fake.openIssue(NAME, 'Broken')
	await github.fake.comment(NAME, { number: issue, login: 'octocat', body: '/vibehq fix it' })
	expect(received[0]?.command).toMatchObject({ kind: 'order', repo: NAME, prompt: 'fix it', author: 'octocat', issue })

	const store = github.store()
	const { commit, objects } = await build(store, await headOf(store), [await put('b', '2')])
	await store.push([{ ref: 'refs/heads/factory/ORD-000001', old: null, new: commit }, { ref: 'refs/vibehq/candidates/EXE-1', old: null, new: commit }], objects)
	const { number } = await createPullRequests({ client: github.client, place: PLACE }).createOrUpdate({ head: 'factory/ORD-000001', base: 'main', title: 'Fix it', body: 'x' })
	await github.fake.comment(NAME, { number, login: 'octocat', body: 'and the tests?', review: { path: 'b', line: 1 } })
	await github.fake.comment(NAME, { number, login: 'vibehq[bot]', body: 'done', review: { path: 'b', line: 1 } })
	const merged = await github.fake.merge(NAME, number, 'octocat')

	expect(kinds()).toEqual(['order', 'pushed', 'ignored', 'followup', 'ignored', 'pushed', 'merged'])
	expect(received[1]?.command).toMatchObject({ ref: 'refs/heads/factory/ORD-000001', before: null, after: commit })
	expect(received[3]?.command).toMatchObject({ pullRequest: number, prompt: 'and the tests?', path: 'b', line: 1 })
	expect(received[6]?.command).toMatchObject({ isOurs: true, commit: merged })
	expect(github.fake.deliveries.map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => 202))
})

it('knows a delivery that comes again', async () => {
	const number = github.fake.openIssue(NAME, 'Broken')
	await github.fake.comment(NAME, { number, login: 'octocat', body: '/vibehq fix it' })
	await github.fake.redeliver(github.fake.deliveries[0]?.id ?? '')
	expect(received).toHaveLength(2)
	expect(new Set(received.map(dedupeKey)).size).toBe(1)
})

it('turns away what another secret signed, until both know the new one', async () => {
	secrets = ['the next secret']
	const refused = await github.fake.deliver('ping', { repo: NAME, login: 'octocat', zen: 'x' })
	secrets = ['the next secret', SECRET]
	const taken = await github.fake.deliver('ping', { repo: NAME, login: 'octocat', zen: 'x' })
	expect([refused.status, taken.status]).toEqual([401, 202])
	expect(kinds()).toEqual(['ping'])
})
