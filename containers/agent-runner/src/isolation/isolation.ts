import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { AgentRunOutput } from '@shared/contracts'

export type IsolationKind = AgentRunOutput['isolation']

/** The throw-away directories of one run. `root` also holds what only the runner may touch. */
export interface RunDirs {
	root: string
	work: string
	home: string
	tmp: string
}

export interface LaunchSpec {
	runId: string
	bin: string
	args: readonly string[]
	/** The whole environment of the program; nothing is inherited. */
	env: Record<string, string>
	dirs: RunDirs
	/** Paths outside of the run's directories that the program must be able to read. */
	readOnly: readonly string[]
}

export interface Launched {
	child: ChildProcessWithoutNullStreams
	/** Asks the program to stop. */
	terminate(): void
	/** Ends every process of the run, daemons included, and resolves when none is left. Safe to call twice. */
	destroy(): Promise<void>
}

/** How the program of a run is kept apart from the runner and from the machine. All paths are the same inside and outside. */
export interface Isolation {
	kind: IsolationKind
	/** False for a bare process: it needs the emulator, or the owner's word, to be allowed. */
	isConfining: boolean
	/** True when the program runs as root in its own eyes. */
	isRoot: boolean
	/** `image`: agent CLIs are those of the container image, found by name. */
	cliSource: 'host' | 'image'
	/** Put before the program that checks a work tree out, so that its files belong to the user of the run. Absent: they are the runner's. */
	checkOutAs?: readonly string[]
	/** The orchestrator's URL as the program must write it. */
	reach(url: string): string
	/** Makes the run's directories usable by the program, before anything is put into them, and `readOnly` directories of the runner readable. */
	admit(dirs: RunDirs, readOnly: readonly string[]): Promise<void>
	launch(spec: LaunchSpec): Launched
	/** After `destroy`: makes what the program left behind readable by the runner. */
	reclaim(dirs: RunDirs): Promise<void>
	remove(dirs: RunDirs): Promise<void>
}
