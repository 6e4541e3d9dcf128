// A runner as a process: claims and reports over REST, and writes each call into a file that outlives it. Its settings come
// through standard input, for the token is among them. It ends when it is killed, which it sometimes does itself.
import { appendFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTaskQueueClient } from '@shared/container-task-queue/client'
import { createJournal } from './history.ts'
import { seeded } from './random.ts'
import { runChaosRunner } from './runner.ts'

export interface RunnerSettings {
	who: string
	baseURL: string
	token: string
	journalFile: string
	seed: number
	leaseMs: number
}

const { who, baseURL, token, journalFile, seed, leaseMs } = JSON.parse(await text(process.stdin)) as RunnerSettings

await runChaosRunner({
	who,
	doors: createTaskQueueClient({ baseURL, token, fetch }),
	journal: createJournal(who, (line) => appendFileSync(journalFile, `${JSON.stringify(line)}\n`)),
	random: seeded(seed),
	now: Date.now,
	sleep: async (ms) => void (await sleep(ms)),
	async die() {
		process.kill(process.pid, 'SIGKILL')
		return new Promise<never>(() => undefined)
	},
	isOver: () => false,
	leaseMs,
	waitMs: 1000,
})
