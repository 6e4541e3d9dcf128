import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, startProcess } from '@shared/testing/stack'
import type { ManagedProcess } from '@shared/testing/stack'
import type { JournalLine } from './history.ts'
import type { Random } from './random.ts'
import type { RunnerSettings } from './runnerProcess.ts'

export interface RunnerPool {
	/** SIGKILL to a runner that chance picks; another comes in its place. */
	killOne: () => void
	/** How many died so far, by their own hand or another's. */
	deaths: () => number
	journal: () => JournalLine[]
	stop: () => Promise<void>
}

export interface RunnerPoolOptions {
	count: number
	folder: string
	random: Random
	/** Of each life of each runner. */
	settings: (who: string) => Promise<Pick<RunnerSettings, 'baseURL' | 'token' | 'leaseMs'>>
}

/** So many runner processes, each of which comes back when it dies. */
export async function startRunnerPool({ count, folder, random, settings }: RunnerPoolOptions): Promise<RunnerPool> {
	const alive = new Map<number, ManagedProcess>()
	const revivals = new Set<Promise<void>>()
	let deaths = 0
	let isStopping = false
	const start = async (number: number, life: number): Promise<void> => {
		const who = `runner-${number}.${life}`
		const input: RunnerSettings = { ...(await settings(who)), who, journalFile: join(folder, `${who}.jsonl`), seed: number * 1000 + life }
		if (isStopping) return
		const runner = startProcess({ name: who, command: process.execPath, args: [join(import.meta.dirname, 'runnerProcess.ts')], cwd: projectRoot, env: process.env, logFile: join(folder, `${who}.log`), input: JSON.stringify(input) })
		alive.set(number, runner)
		const revival = runner.exited.then(async (code) => {
			if (isStopping) return
			if (code !== null) throw new Error(`${who} ended with ${code}:\n${readFileSync(join(folder, `${who}.log`), 'utf8').slice(-2000)}`)
			deaths++
			await start(number, life + 1)
		})
		revivals.add(revival)
	}
	await Promise.all(Array.from({ length: count }, (_, index) => start(index + 1, 1)))
	return {
		killOne: () => alive.get(1 + Math.floor(random() * count))?.kill(),
		deaths: () => deaths,
		journal: () => readdirSync(folder).filter((name) => name.endsWith('.jsonl')).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').flatMap(wholeLine)),
		async stop() {
			isStopping = true
			for (const runner of alive.values()) runner.kill()
			await Promise.all([...alive.values()].map(({ exited }) => exited))
			await Promise.all(revivals)
		},
	}
}

/** A line that a death cut off was not written: its call was not made, or has no answer. */
function wholeLine(line: string): JournalLine[] {
	try {
		return [JSON.parse(line) as JournalLine]
	} catch {
		return []
	}
}
