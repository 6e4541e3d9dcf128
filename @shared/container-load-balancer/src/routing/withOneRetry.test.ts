import { describe, expect, it } from 'vitest'
import { withOneRetry } from './withOneRetry.ts'
import type { Routable } from './chooseInstance.ts'

const instances: Routable[] = ['a', 'b'].map((instanceId) => ({ instanceId, state: 'running', isDraining: false, isDegraded: false, inFlight: 0 }))
const choose = (exclude?: string) => instances.find(({ instanceId }) => instanceId !== exclude) ?? null

/** Sends `method`; what an instance has in `errors` it fails with. */
async function send(method: string, errors: Record<string, string>) {
	const tried: string[] = []
	const answer = await withOneRetry({
		method,
		choose,
		send: async ({ instanceId }) => {
			tried.push(instanceId)
			const error = errors[instanceId]
			if (error !== undefined) throw new Error(error)
			return `answer of ${instanceId}`
		},
	}).catch((error: unknown) => error)
	return { tried, answer }
}
const DOWN = 'The container is not listening in the TCP address 10.0.0.1:8080'

describe('withOneRetry', () => {
	it('asks once when all is well', async () => {
		expect(await send('POST', {})).toEqual({ tried: ['a'], answer: 'answer of a' })
	})

	it.each(['GET', 'head', 'PUT', 'DELETE'])('asks another instance when a %s could not connect', async (method) => {
		expect(await send(method, { a: DOWN })).toEqual({ tried: ['a', 'b'], answer: 'answer of b' })
	})

	it.each(['POST', 'PATCH'])('does not repeat a %s', async (method) => {
		expect(await send(method, { a: DOWN })).toMatchObject({ tried: ['a'], answer: { code: 'UNAVAILABLE', details: { retryAfterS: 5 } } })
	})

	it.each(['Network connection lost.', 'boom'])('does not repeat what may have been carried out: %s', async (message) => {
		expect(await send('GET', { a: message })).toEqual({ tried: ['a'], answer: new Error(message) })
	})

	it('gives up after the second', async () => {
		expect(await send('GET', { a: DOWN, b: DOWN })).toMatchObject({ tried: ['a', 'b'], answer: { code: 'UNAVAILABLE', message: expect.stringContaining('Neither a nor b') } })
		expect(await send('GET', { a: DOWN, b: 'boom' })).toEqual({ tried: ['a', 'b'], answer: new Error('boom') })
	})

	it('is unavailable when there is no instance, or no other', async () => {
		const fail = async () => {
			throw new Error(DOWN)
		}
		await expect(withOneRetry({ method: 'GET', choose: () => null, send: fail, retryAfterS: 9 })).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { retryAfterS: 9 } })
		await expect(withOneRetry({ method: 'GET', choose: (exclude) => (exclude ? null : choose()), send: fail })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
	})
})
