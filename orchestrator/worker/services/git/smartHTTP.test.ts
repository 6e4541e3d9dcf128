import { describe, expect, it } from 'vitest'
import { concatBytes } from './objects.ts'
import { pktDelimiter, pktFlush, pktLine } from './pktLine.ts'
import { createSmartHTTP } from './smartHTTP.ts'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)
const pack = new TextEncoder().encode('PACK')

interface Sent {
	url: string
	authorization: string | null
	body: string
}

/** A server that gives these answers one after the other, and what was sent to it. */
function fakeServer(...answers: (Response | Error)[]) {
	const sent: Sent[] = []
	const fetch: typeof globalThis.fetch = async (input, init) => {
		const request = new Request(String(input), init)
		sent.push({ url: request.url, authorization: request.headers.get('authorization'), body: new TextDecoder().decode(await request.arrayBuffer()) })
		const answer = answers.shift()
		if (answer === undefined || answer instanceof Error) throw answer ?? new Error('one request too many')
		return answer
	}
	const remote = async (scope: string, { isFresh = false } = {}) => ({ url: 'http://host/repo.git', authorization: `Bearer ${scope}${isFresh ? ' fresh' : ''}` })
	return { sent, git: createSmartHTTP({ remote, fetch }) }
}

const answer = (lines: string[], status = 200) => new Response(concatBytes([...lines.map((line) => pktLine(`${line}\n`)), pktFlush()]), { status })

describe('listRefs', () => {
	it('asks for the prefixes and keeps exact names', async () => {
		const { git, sent } = fakeServer(answer([`${A} refs/heads/main`, `${B} refs/heads/main2`, `${B} refs/heads/x symref-target:refs/heads/main`]))
		expect(await git.listRefs(['refs/heads/main', 'refs/heads/x', 'refs/heads/none'])).toEqual(new Map([['refs/heads/main', A], ['refs/heads/x', B]]))
		expect(sent[0]).toMatchObject({ url: 'http://host/repo.git/git-upload-pack', authorization: 'Bearer read' })
		expect(sent[0]?.body).toContain('ref-prefix refs/heads/none\n0000')
	})

	it('asks once more with a fresh credential, and only once', async () => {
		const { git, sent } = fakeServer(new Response('no', { status: 401 }), answer([]))
		expect(await git.listRefs(['refs/heads/main'])).toEqual(new Map())
		expect(sent.map(({ authorization }) => authorization)).toEqual(['Bearer read', 'Bearer read fresh'])
		const refused = fakeServer(new Response('no', { status: 401 }), new Response('no', { status: 401 }))
		await expect(refused.git.listRefs(['x'])).rejects.toMatchObject({ code: 'GIT_UPSTREAM', message: expect.stringContaining('401') })
	})

	it.each([
		['a missing repository', new Response('', { status: 404 }), 'WORKSPACE_NOT_FOUND'],
		['an error', new Response('', { status: 503 }), 'GIT_UPSTREAM'],
		['a redirect', new Response(null, { status: 302, headers: { location: 'http://elsewhere/' } }), 'GIT_UPSTREAM'],
		['a web page', new Response('<html>'), 'GIT_UPSTREAM'],
		['an error line', answer(['ERR access denied']), 'GIT_UPSTREAM'],
	])('names %s', async (_name, response, code) => {
		await expect(fakeServer(response).git.listRefs(['x'])).rejects.toMatchObject({ code })
	})
})

describe('fetchPack', () => {
	const side = (channel: number, bytes: number[]) => {
		const length = (bytes.length + 5).toString(16).padStart(4, '0')
		return Uint8Array.from([...new TextEncoder().encode(length), channel, ...bytes])
	}
	const stream = (...lines: Uint8Array[]) => new Response(concatBytes([pktLine('shallow-info\n'), pktLine(`shallow ${A}\n`), pktDelimiter(), pktLine('packfile\n'), ...lines, pktFlush()]))
	const wanted = { wants: [A, B], depth: 1, maxBytes: 1000 }

	it('puts the pack together from its channel', async () => {
		const { git, sent } = fakeServer(stream(side(1, [80, 65]), side(2, [33]), side(1, [67, 75, 10])))
		expect([...((await git.fetchPack(wanted)) ?? [])]).toEqual([80, 65, 67, 75, 10])
		expect(sent[0]?.body).toContain(`want ${A}\n0032want ${B}\n000ddeepen 1\n`)
	})

	it('stops reading an answer that is too long', async () => {
		let isCancelled = false
		const endless = new ReadableStream<Uint8Array>({
			pull: (controller) => controller.enqueue(new Uint8Array(300)),
			cancel: () => void (isCancelled = true),
		})
		expect(await fakeServer(new Response(endless)).git.fetchPack(wanted)).toBeNull()
		expect(isCancelled).toBe(true)
	})

	it.each([
		['the word of a server that gave up', stream(side(3, [...new TextEncoder().encode('out of memory')])), 'out of memory'],
		['an object that is not there', answer([`ERR upload-pack: not our ref ${A}`]), 'not our ref'],
		['an answer without a pack', answer([]), 'no pack'],
	])('fails with %s', async (_name, response, text) => {
		await expect(fakeServer(response).git.fetchPack(wanted)).rejects.toMatchObject({ code: 'GIT_UPSTREAM', message: expect.stringContaining(text) })
	})
})

describe('receivePack', () => {
	const update = { ref: 'refs/heads/a', old: null, new: A }

	it('sends old, new, name, capabilities and the pack in one request', async () => {
		const { git, sent } = fakeServer(answer(['unpack ok', 'ok refs/heads/a', 'ng refs/x/y failed to update ref']))
		const report = await git.receivePack([update, { ref: 'refs/x/y', old: B, new: null }], pack, {})
		expect(report).toEqual(new Map([['refs/heads/a', null], ['refs/x/y', 'failed to update ref']]))
		expect(sent).toHaveLength(1)
		expect(sent[0]).toMatchObject({ url: 'http://host/repo.git/git-receive-pack', authorization: 'Bearer write' })
		const [first, second] = sent[0]?.body.match(/[0-9a-f]{40} [0-9a-f]{40} refs[^0]*(?:0000PACK$)?/g) ?? []
		expect(first).toContain(`${'0'.repeat(40)} ${A} refs/heads/a\0report-status atomic object-format=sha`)
		expect(second).toBe(`${B} ${'0'.repeat(40)} refs/x/y0000PACK`)
	})

	it('leaves atomic out when asked to, and the pack when everything is deleted', async () => {
		const { git, sent } = fakeServer(answer(['unpack ok', 'ok refs/heads/a']))
		await git.receivePack([{ ...update, old: A, new: null }], pack, { isAtomic: false })
		expect(sent[0]?.body).not.toContain('atomic')
		expect(sent[0]?.body.endsWith('0000')).toBe(true)
	})

	it.each([[['unpack index-pack abnormal exit', 'ng refs/heads/a unpacker error']], [[]], [['ok refs/heads/a']]])('fails when the objects were not stored: %j', async (lines) => {
		await expect(fakeServer(answer(lines)).git.receivePack([update], pack, {})).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
	})
})
