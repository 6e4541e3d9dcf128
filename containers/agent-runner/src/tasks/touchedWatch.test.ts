import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../adapters/adapter.ts'
import type { TouchedFile } from '../git/touchedFiles.ts'
import { watchTouched } from './touchedWatch.ts'

const file = (path: string): TouchedFile => ({ path, ranges: [[1, 0]] })

interface Look {
	files?: TouchedFile[] | null
	takesMs?: number
	fails?: boolean
}

/** Plays the looks, one after each wait, and then waits for ever. */
async function play(looks: Look[]): Promise<{ waits: number[]; events: AgentEvent[]; isAborted: boolean }> {
	const [waits, events, queue]: [number[], AgentEvent[], Look[]] = [[], [], [...looks]]
	let clock = 0
	let isAborted = false
	const atEnd = Promise.withResolvers<void>()
	const watch = watchTouched({
		report: (event) => void events.push(event),
		now: () => clock,
		async sleep(ms, signal) {
			waits.push(ms)
			if (queue.length > 0) return
			atEnd.resolve()
			await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
		},
		async list() {
			const { files = null, takesMs = 0, fails = false } = queue.shift() ?? {}
			clock += takesMs
			if (fails) throw new Error('git is gone')
			return files
		},
	})
	await atEnd.promise
	await watch.stop().then(() => {
		isAborted = true
	})
	return { waits, events, isAborted }
}

describe('watchTouched', () => {
	it('tells what changed when the answer is another one', async () => {
		const { events, isAborted } = await play([{ files: [] }, { files: [file('a')] }, { files: [file('a')] }, { files: null }, { files: [file('a'), file('b')] }, { files: [] }])
		expect(events).toEqual([
			{ kind: 'touched', text: '1 file changed', data: { files: [file('a')] } },
			{ kind: 'touched', text: '2 files changed', data: { files: [file('a'), file('b')] } },
			{ kind: 'touched', text: '0 files changed', data: { files: [] } },
		])
		expect(isAborted).toBe(true)
	})

	it('looks less often while looking takes long', async () => {
		const slow = { files: [], takesMs: 1001 }
		expect((await play([{}, slow, slow, slow, { takesMs: 1000 }])).waits).toEqual([5000, 5000, 10_000, 20_000, 40_000, 5000])
		expect((await play(Array.from({ length: 9 }, () => slow))).waits.at(-1)).toBe(120_000)
	})

	it('goes on after a look that fails', async () => {
		expect((await play([{ fails: true }, { files: [file('a')] }])).events).toHaveLength(1)
	})

	it('says nothing once it is stopped, though a look is under way', async () => {
		const events: AgentEvent[] = []
		const looking = Promise.withResolvers<void>()
		const watch = watchTouched({
			report: (event) => void events.push(event),
			sleep: async () => {},
			async list(signal) {
				looking.resolve()
				await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
				return [file('a')]
			},
		})
		await looking.promise
		await watch.stop()
		expect(events).toEqual([])
	})
})
