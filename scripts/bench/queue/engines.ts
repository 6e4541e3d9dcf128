import { createBullMQ } from './bullmq.ts'
import { createContainerTasks } from './containerTasks.ts'
import type { Connections, QueueEngine } from './engine.ts'
import { createGraphileWorker } from './graphileWorker.ts'
import { createPgBoss } from './pgBoss.ts'

/** The engines, and which server each needs beside the orchestrator. */
export const ENGINES = {
	vibehq: { create: createContainerTasks, server: null },
	bullmq: { create: createBullMQ, server: 'redis' },
	'graphile-worker': { create: createGraphileWorker, server: 'postgres' },
	'pg-boss': { create: createPgBoss, server: 'postgres' },
} as const satisfies Record<string, { create: (connections: Connections) => Promise<QueueEngine>; server: 'redis' | 'postgres' | null }>
export type EngineName = keyof typeof ENGINES
