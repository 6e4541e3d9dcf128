import { setTimeout as sleep } from 'node:timers/promises'

/** Counts what many clients get: lines `line-<n>-` with ever larger n, and how long after they were logged. */
export function createListeners(count: number) {
	const nexts = new Int32Array(count)
	const sockets: { close: () => void }[] = []
	let delays: number[] = []
	let lost = 0
	let doubled = 0
	return {
		count,
		add: (socket: { close: () => void }) => void sockets.push(socket),
		/** A message of the client with this index. Parsing a million of them as JSON would be what is measured. */
		onText(index: number, text: string): void {
			const line = /"text":"line-(\d+)-/.exec(text)
			const at = /"at":(\d+)/.exec(text)
			if (line === null || at === null) return
			const [got, expected] = [Number(line[1]), nexts[index] ?? 0]
			if (got < expected) {
				doubled += 1
				return
			}
			lost += got - expected
			nexts[index] = got + 1
			delays.push(Date.now() - Number(at[1]))
		},
		/** Waits until every client has got this many lines. */
		async have(lines: number, patienceMs: number): Promise<void> {
			const deadline = Date.now() + patienceMs
			while (nexts.some((next) => next < lines)) {
				if (Date.now() > deadline) throw new Error(`After ${patienceMs} ms ${nexts.filter((next) => next < lines).length} of ${count} clients still wait for a line.`)
				await sleep(5)
			}
		},
		delays: () => delays,
		forgetDelays(): void {
			delays = []
		},
		lost: () => lost,
		doubled: () => doubled,
		close(): void {
			for (const socket of sockets) socket.close()
		},
	}
}
export type Listeners = ReturnType<typeof createListeners>
