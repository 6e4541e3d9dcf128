/** What each job carries, the same everywhere. */
export interface Payload {
	number: number
	text: string
}

export const payloads = (count: number): Payload[] => Array.from({ length: count }, (_, number) => ({ number, text: 'x'.repeat(200) }))

/** Where the servers listen. */
export interface Connections {
	/** A Unix socket. */
	redis: string | null
	/** The folder of a Unix socket. */
	postgres: string | null
	/** The orchestrator. */
	url: string
	submitterToken: string
	runnerToken: string
}

export interface WorkOptions {
	concurrency: number
	/** How many jobs are taken, and reported, at once; 1 = each by itself. */
	batch: number
	/** Called when a job starts; the job ends when it resolves. */
	onJob: (job: Payload) => Promise<void> | void
}

export interface QueueEngine {
	name: string
	/** Without it a batch is no more than one job. */
	hasBatches: boolean
	add: (job: Payload) => Promise<unknown>
	/** In one call. */
	addMany: (jobs: Payload[]) => Promise<unknown>
	/** Starts workers; they go on until they are stopped. */
	work: (options: WorkOptions) => Promise<{ stop: () => Promise<void> }>
	/** How many jobs have not ended. */
	open: () => Promise<number>
	close: () => Promise<void>
}

/** After so long a lock that its worker does not renew is taken away, where that can be set. */
export const LOCK_MS = 3000
