import { AppError, toErrorBody } from '@shared/contracts'
import type { MiddlewareHandler } from 'hono'

const tooLarge = (maxBytes: number) => new AppError('PAYLOAD_TOO_LARGE', `The request body is larger than ${maxBytes} bytes, which is the most this route takes.`, { maxBytes })

/**
 * Passes a body on and fails it with PAYLOAD_TOO_LARGE at the byte that is too many. `refused` gets the error first: whoever sends
 * the stream on sees only that the sending failed.
 */
export function limitBody(body: ReadableStream<Uint8Array>, maxBytes: number, refused?: (error: AppError) => void): ReadableStream<Uint8Array> {
	let seen = 0
	return body.pipeThrough(
		new TransformStream<Uint8Array, Uint8Array>({
			transform(chunk, controller) {
				seen += chunk.byteLength
				if (seen <= maxBytes) return controller.enqueue(chunk)
				const error = tooLarge(maxBytes)
				refused?.(error)
				controller.error(error)
			},
		}),
	)
}

/**
 * Refuses a request whose body is larger than `maxBytes` with 413 in the error shape. A body that declares its length is judged by
 * that (the server lets no more through); one that does not is counted while it is read into memory.
 */
export function bodyLimit(maxBytes: number): MiddlewareHandler {
	return async (c, next) => {
		const refused = () => c.json({ error: toErrorBody(tooLarge(maxBytes)) }, 413)
		const declared = c.req.header('content-length')
		if (declared !== undefined && !(Number(declared) <= maxBytes)) return refused()
		const body = c.req.raw.body
		if (!body || declared !== undefined) return await next()
		try {
			const bytes = await new Response(limitBody(body, maxBytes)).arrayBuffer()
			c.req.raw = new Request(c.req.raw, { method: c.req.method, body: bytes })
		} catch (error) {
			if (error instanceof AppError) return refused()
			throw error
		}
		return await next()
	}
}
