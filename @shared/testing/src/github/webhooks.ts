import { createHmac, randomUUID } from 'node:crypto'
import type { Delivery } from './types.ts'

const TIMEOUT_MS = 10_000

/** Signs events and sends them to the receiver, one after the other. Without a receiver they are kept only. */
export function createWebhooks({ secret, url }: { secret: string | undefined; url: string | undefined }) {
	const deliveries: Delivery[] = []
	const settings = { url }
	const held = new Set<Promise<unknown>>()
	let queue: Promise<void> = Promise.resolve()

	async function send(delivery: Delivery): Promise<void> {
		if (settings.url === undefined) return
		const headers: Record<string, string> = {
			'content-type': 'application/json',
			'user-agent': 'GitHub-Hookshot/fake',
			'x-github-delivery': delivery.id,
			'x-github-event': delivery.event,
			'x-github-hook-id': '1',
			'x-fake-github': 'vibehq',
		}
		if (delivery.signature !== null) headers['x-hub-signature-256'] = delivery.signature
		try {
			const response = await fetch(settings.url, { method: 'POST', headers, body: delivery.body, signal: AbortSignal.timeout(TIMEOUT_MS) })
			await response.arrayBuffer()
			delivery.status = response.status
		} catch {
			delivery.status = null
		}
	}

	const enqueue = (delivery: Delivery): Promise<void> => {
		queue = queue.then(() => send(delivery))
		return queue
	}

	return {
		deliveries,
		settings,
		/** Resolves when the receiver has answered. */
		async deliver(event: string, payload: object): Promise<Delivery> {
			const body = JSON.stringify(payload)
			const signature = secret === undefined ? null : `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
			const delivery: Delivery = { id: randomUUID(), event, body, signature, status: null }
			deliveries.push(delivery)
			await enqueue(delivery)
			return delivery
		},
		/** The same delivery once more, under the same id. */
		async redeliver(id: string): Promise<Delivery> {
			const delivery = deliveries.find((known) => known.id === id)
			if (delivery === undefined) throw new Error(`there is no delivery ${id}`)
			await enqueue(delivery)
			return delivery
		},
		/** Work that has deliveries to make when it is done. */
		hold<Answer>(work: Promise<Answer>): Promise<Answer> {
			held.add(work)
			void work.catch(() => undefined).finally(() => held.delete(work))
			return work
		},
		/** Until everything so far was sent. */
		async settled(): Promise<void> {
			await Promise.allSettled(held)
			await queue
		},
	}
}
export type Webhooks = ReturnType<typeof createWebhooks>
