/** How an answer ended: read to its end, given up by the client, or broken off by the provider (or by silence). */
export type BodyEnd = 'complete' | 'aborted' | 'broken'

export interface MeteredBodyOptions {
	onChunk: (chunk: Uint8Array) => void
	/** Called exactly once. */
	onEnd: (end: BodyEnd) => void
	/** A provider that is silent for this long has broken off. */
	idleTimeoutMs: number
}

/** The same bytes in the same chunks, one at a time as the client takes them, watched while they pass. */
export function meteredBody(body: ReadableStream<Uint8Array>, { onChunk, onEnd, idleTimeoutMs }: MeteredBodyOptions): ReadableStream<Uint8Array> {
	const reader = body.getReader()
	let hasEnded = false
	const end = (how: BodyEnd) => {
		if (!hasEnded) onEnd(how)
		hasEnded = true
	}
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				try {
					const { done, value } = await withTimeout(reader.read(), idleTimeoutMs)
					if (done) {
						end('complete')
						return controller.close()
					}
					onChunk(value)
					controller.enqueue(value)
				} catch (error) {
					end('broken')
					controller.error(error)
					await reader.cancel(error).catch(() => undefined)
				}
			},
			async cancel(reason) {
				end('aborted')
				await reader.cancel(reason)
			},
		},
		{ highWaterMark: 0 },
	)
}

async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T> {
	let timer: ReturnType<typeof setTimeout> | undefined
	const timeout = new Promise<never>((_resolve, reject) => {
		timer = setTimeout(() => reject(new Error(`The provider was silent for ${ms} ms.`)), ms)
	})
	try {
		return await Promise.race([promise, timeout])
	} finally {
		clearTimeout(timer)
	}
}
