import { importLaw } from './importLaw.mjs'
import { tester } from './tester.ts'

const worker = (path: string) => `/repo/orchestrator/worker/${path}`
const ok = (from: string, code: string) => ({ filename: from, code })
const bad = (from: string, code: string, error: RegExp) => ({ filename: from, code, errors: [error] })

tester.run('import-law', importLaw, {
	valid: [
		ok(worker('index.ts'), "export { Tasks } from './entrypoints/tasks.ts'"),
		ok(worker('http/orders.ts'), "import type { Services } from '../services.ts'"),
		ok(worker('services.ts'), "import { createOrders } from './services/orders.ts'; import { Env } from './env.ts'"),
		ok(worker('services/orders.ts'), "import { appendLog } from '../database/repositories/operationLogs.ts'"),
		ok(worker('services/orders.ts'), "import type { WorkflowStep } from 'cloudflare:workers'"),
		ok(worker('database/repositories/orders.ts'), "import { orders } from '../schema.ts'"),
		ok(worker('database/repositories/orders.ts'), "import type { OrderStore } from '../../services/orders/port.ts'"),
		ok(worker('entrypoints/AIOps.ts'), "import { callerOf } from './caller.ts'"),
		ok(worker('queues/providerTasks.ts'), "import type { TaskExecution } from '../workflows/TaskExecution.ts'"),
		ok('/repo/containers/agent-runner/src/run.ts', "import { spawn } from 'node:child_process'"),
	],
	invalid: [
		bad(worker('services/orders/create.ts'), "import { x } from '../../http/orders.ts'", /never imports a door/),
		bad(worker('services/orders.ts'), "import type { Env } from '../env.ts'", /env/),
		bad(worker('services/orders.ts'), "import { createServices } from '../services.ts'", /composition root/),
		bad(worker('services/orders.ts'), "import { env } from 'cloudflare:workers'", /hands out env/),
		bad(worker('services/orders.ts'), "import { orders } from '../database/schema/orders.ts'", /repositories know the schema/),
		bad(worker('http/orders.ts'), "import * as schema from '../database/schema.ts'", /repositories know the schema/),
		bad(worker('http/orders.ts'), "import { findOrder } from '../database/repositories/orders.ts'", /asks no repository/),
		bad(worker('http/orders.ts'), "import { handle } from '../queues/providerTasks.ts'", /never import each other/),
		bad(worker('http/orders.ts'), "const door = await import('../queues/providerTasks.ts')", /never import each other/),
		bad(worker('entrypoints/AIOps.ts'), "import { Tasks } from './tasks.ts'", /never import each other/),
		bad(worker('database/repositories/orders.ts'), "import { ids } from '../../services/ids.ts'", /stand below/),
		bad(worker('services/route.ts'), "import { pick } from '@shared/worker-base/ai/routing'", /clients of the orchestrator/),
		bad(worker('services/git.ts'), "import { createHash } from 'node:crypto'", /workerd/),
		bad('/repo/@shared/contracts/src/ids.ts', "export * from 'node:crypto'", /workerd/),
	],
})
