import { z } from 'zod'

const ms = (fallback: number) => z.int().min(0).max(86_400_000).default(fallback)
const period = (fallback: number) => z.int().min(100).max(86_400_000).default(fallback)

/** How a pool behaves. Only its names have no default. */
export type PoolSettings = z.infer<typeof PoolSettings>
export const PoolSettings = z
	.strictObject({
		workerName: z.string().regex(/^[\w.:-]{1,100}$/),
		/** Instances are named after it: `<containerName>-0`, `<containerName>-1`, ... */
		containerName: z.string().regex(/^[\w.:-]{1,80}$/),
		instanceType: z.string().min(1).max(50).default('standard-1'),
		port: z.int().min(1).max(65_535).default(8080),

		// Size
		min: z.int().min(0).max(1000).default(0),
		/** 0: the pool starts nothing and has external runners only. */
		max: z.int().min(0).max(1000).default(5),
		/** Instances kept above what the work needs, ready for the next task. */
		minWarm: z.int().min(0).max(1000).default(0),
		workPerInstance: z.int().min(1).max(1000).default(1),
		upCooldownMs: ms(2_000),
		/** How long less must be wanted before the target falls. */
		downCooldownMs: ms(60_000),
		/** An instance is stopped for lack of work only after it has had none for this long. */
		idleMs: ms(300_000),

		// Starts. Platforms lose instances when many start at once.
		maxParallelStarts: z.int().min(1).max(100).default(2),
		startStaggerMs: ms(500),
		/** How long an instance may take to become ready; slow platforms need 80 s. */
		startGraceMs: period(120_000),

		// Health
		probeIntervalMs: period(10_000),
		/** Between probes of an instance that starts, ails or ends. */
		fastProbeIntervalMs: period(1_000),
		rise: z.int().min(1).max(100).default(2),
		fall: z.int().min(1).max(100).default(3),
		probeTimeoutMs: period(5_000),
		slowMs: ms(2_000),
		/** A silent instance whose work sent a heartbeat this lately is busy, not dead. */
		signOfLifeMs: ms(60_000),
		/** An unhealthy instance that has not recovered by then is restarted by force. */
		stuckMs: ms(30_000),
		/** An instance that turned unhealthy more often than this within the restart window is restarted. */
		maxWobbles: z.int().min(1).max(100).default(5),

		// Restarts
		backoffMs: ms(1_000),
		maxBackoffMs: ms(120_000),
		restartBudget: z.int().min(0).max(100).default(5),
		restartWindowMs: period(600_000),
		/** An instance that was ready for this long starts again at the shortest backoff. */
		stableMs: ms(60_000),

		// Ends
		/** How long work may go on in an instance that is to stop. */
		drainMs: ms(900_000),
		/** Between SIGTERM and SIGKILL. */
		killAfterMs: period(15_000),

		// Platform
		/** After "no instance" the next attempt above the learned cap waits this long. */
		capRetryMs: period(30_000),
		/** A driver call that has not ended by then counts as lost and is made again. */
		callTimeoutMs: period(30_000),
		parallelCalls: z.int().min(1).max(100).default(8),
		listIntervalMs: period(60_000),
		/** How long an instance that nobody knows is left alone. */
		orphanGraceMs: ms(30_000),
		/** An external runner that has been silent for this long gets no work; after three times as long it is gone. */
		externalTtlMs: period(45_000),
		/** A health check that says nothing new is written down this often. */
		recordHealthEveryMs: ms(300_000),
	})
	.refine(({ min, max }) => min <= max, { path: ['min'], error: 'min is above max' })
