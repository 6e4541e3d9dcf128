import { readdirSync, readFileSync } from 'node:fs'

export interface RunningProcess {
	pid: number
	/** Arguments and environment, each entry ended by a NUL. */
	arguments: Buffer
	environment: Buffer
}

/** All processes of this machine that can be looked into, this one left out. */
export function runningProcesses(): RunningProcess[] {
	const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
	return pids.filter((pid) => pid !== process.pid).flatMap((pid) => {
		try {
			return [{ pid, arguments: readFileSync(`/proc/${pid}/cmdline`), environment: readFileSync(`/proc/${pid}/environ`) }]
		} catch {
			// It has ended meanwhile.
			return []
		}
	})
}

/** Processes with this text in their arguments or their environment, and this word in their arguments; in the order of their ids. */
export const processesWith = (text: string, word = ''): number[] =>
	runningProcesses()
		.filter((each) => (each.arguments.includes(text) || each.environment.includes(text)) && each.arguments.includes(word))
		.map(({ pid }) => pid)
		.sort((a, b) => a - b)
