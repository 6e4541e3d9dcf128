// A worker that takes one job, says so, and does nothing more until it is killed.
import { text } from 'node:stream/consumers'
import type { Connections } from './engine.ts'
import { ENGINES } from './engines.ts'
import type { EngineName } from './engines.ts'

const { name, connections } = JSON.parse(await text(process.stdin)) as { name: EngineName; connections: Connections }
const engine = await ENGINES[name].create(connections)
await engine.work({
	concurrency: 1,
	batch: 1,
	onJob: async () => {
		process.stdout.write('started\n')
		await new Promise(() => setInterval(() => undefined, 1000))
	},
})
