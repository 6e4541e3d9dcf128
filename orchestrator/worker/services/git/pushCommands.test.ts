import { describe, expect, it } from 'vitest'
import { concatBytes, NULL_ID } from './objects.ts'
import { parsePktLines, pktFlush, pktLine, pktText } from './pktLine.ts'
import { drain, readPushHead, rejectionReport } from './pushCommands.ts'

const ID = 'a'.repeat(40)
const PACK = new TextEncoder().encode('PACK0000binary')
const PUSH = concatBytes([
	pktLine(`shallow ${ID}`),
	pktLine(`${NULL_ID} ${ID} refs/heads/main\0 report-status side-band-64k agent=git/2`),
	pktLine(`${ID} ${NULL_ID} refs/heads/ünïcode\n`),
	pktFlush(),
	PACK,
])

const streamOf = (...chunks: Uint8Array[]) =>
	new ReadableStream<Uint8Array>({
		pull(controller) {
			const chunk = chunks.shift()
			if (chunk) controller.enqueue(chunk)
			else controller.close()
		},
	})

describe('readPushHead', () => {
	it('finds the references whatever the chunks, and loses no byte', async () => {
		for (let at = 0; at <= PUSH.length; at++) {
			const body = streamOf(PUSH.subarray(0, at), PUSH.subarray(at))
			const head = await readPushHead(body)
			expect(head.refs).toEqual(['refs/heads/main', 'refs/heads/ünïcode'])
			expect(head.capabilities).toEqual(['report-status', 'side-band-64k', 'agent=git/2'])
			const rest: Uint8Array[] = []
			for await (const chunk of body) rest.push(chunk)
			expect(concatBytes([head.bytes, ...rest])).toEqual(PUSH)
		}
	})

	it('takes the probe that git sends before a large push', async () => {
		expect(await readPushHead(streamOf(pktFlush()))).toMatchObject({ refs: [], capabilities: [] })
	})

	it.each([
		['an end before the flush', PUSH.subarray(0, 60)],
		['a certificate', concatBytes([pktLine('push-cert\0report-status\n'), pktFlush()])],
		['a command without a reference', concatBytes([pktLine(`${ID} ${ID} `), pktFlush()])],
		['a short object id', concatBytes([pktLine(`abc def refs/heads/main`), pktFlush()])],
		['no pkt-lines', new TextEncoder().encode('hello world')],
		['a length that counts less than itself', new TextEncoder().encode('0002')],
	])('refuses %s', async (_what, bytes) => {
		await expect(readPushHead(streamOf(bytes))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})

	it('refuses an endless list of commands', async () => {
		const line = pktLine(`${NULL_ID} ${ID} refs/heads/${'x'.repeat(60_000)}`)
		await expect(readPushHead(streamOf(...Array.from({ length: 20 }, () => line)))).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
	})
})

describe('rejectionReport', () => {
	const head = { refs: ['refs/heads/a', 'refs/heads/b'], bytes: PUSH }
	const lines = ['unpack ok', 'ng refs/heads/a because a', 'ng refs/heads/b because b']
	const reasonOf = (ref: string) => `because ${ref.slice(-1)}`
	const textOf = (bytes: Uint8Array | null) => parsePktLines(bytes ?? new Uint8Array()).map((pkt) => (pkt.kind === 'data' ? pktText(pkt.bytes) : pkt.kind))

	it('is plain without a side band', () => {
		expect(textOf(rejectionReport({ ...head, capabilities: ['report-status'] }, reasonOf))).toEqual([...lines, 'flush'])
	})

	it('is wrapped in band one with it', () => {
		const [packet, end] = textOf(rejectionReport({ ...head, capabilities: ['report-status-v2', 'side-band-64k'] }, reasonOf))
		expect([packet?.charCodeAt(0), end]).toEqual([1, 'flush'])
		expect(textOf(new TextEncoder().encode(packet?.slice(1)))).toEqual([...lines, 'flush'])
	})

	it('is not there for a client that asked for none', () => {
		expect(rejectionReport({ ...head, capabilities: [] }, reasonOf)).toBeNull()
	})
})

it('drains up to a limit', async () => {
	await drain(streamOf(PACK, PACK))
	let given = 0
	const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array((given += 1) && 1024 * 1024)) })
	await drain(endless)
	expect(given).toBeLessThan(70)
})
