import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A port of the loopback interface that takes connections and never answers. */
export async function startBlackHole(): Promise<{ port: number; close: () => Promise<void> }> {
	const open = new Set<Socket>()
	const server = createServer((socket) => {
		open.add(socket)
		socket.on('error', () => undefined)
		socket.once('close', () => open.delete(socket))
		socket.resume()
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	return {
		port: (server.address() as AddressInfo).port,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve())
				for (const socket of open) socket.destroy()
			}),
	}
}
