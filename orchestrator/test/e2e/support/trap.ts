import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Trap {
	url: string
	/** Every request that came, and every connection that spoke something else. */
	caught: string[]
	close: () => Promise<void>
}

/** A server on loopback that a hostile repository wants to lead somebody to. It answers nothing useful and remembers everything. */
export async function openTrap(): Promise<Trap> {
	const caught: string[] = []
	const server = createServer((request, response) => {
		caught.push(`${request.method} ${request.url}`.slice(0, 100))
		response.writeHead(404).end()
	})
	server.on('connect', (request, socket) => {
		caught.push(`CONNECT ${request.url}`)
		socket.destroy()
	})
	server.on('clientError', (error, socket) => {
		caught.push(`not HTTP: ${error.message}`)
		socket.destroy()
	})
	const listening = Promise.withResolvers<void>()
	server.listen(0, '127.0.0.1', listening.resolve)
	await listening.promise
	const { port } = server.address() as AddressInfo
	return {
		url: `http://127.0.0.1:${port}`,
		caught,
		close() {
			const closed = Promise.withResolvers<void>()
			server.close(() => closed.resolve())
			server.closeAllConnections()
			return closed.promise
		},
	}
}
