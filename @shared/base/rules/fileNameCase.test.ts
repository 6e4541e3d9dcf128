import { fileNameCase } from './fileNameCase.mjs'
import { tester } from './tester.ts'

const entrypoint = 'export class AIOps extends BaseWorkerEntrypoint<Env> {}'

tester.run('file-name-case', fileNameCase, {
	valid: [
		{ code: entrypoint, filename: 'worker/entrypoints/AIOps.ts' },
		{ code: 'export class Tasks extends BaseWorkerEntrypoint {}', filename: 'worker/entrypoints/tasks.ts' },
		{ code: 'export const createRouter = () => 1', filename: 'worker/http/router.ts' },
		{ code: 'export class AppError extends Error {}', filename: 'src/errors.ts' },
		{ code: 'export abstract class BaseWorkerEntrypoint extends WorkerEntrypoint {}', filename: 'src/BaseWorkerEntrypoint.ts' },
		{ code: 'export abstract class BaseWorkerEntrypoint extends WorkerEntrypoint {}', filename: 'src/entrypoint.ts' },
		{ code: 'class Hidden extends DurableObject {}', filename: 'src/hidden.ts' },
		{ code: 'export default {}', filename: 'x/vitest.config.ts' },
	],
	invalid: [
		{ code: entrypoint, filename: 'worker/entrypoints/aiOps.ts', errors: [/name it AIOps\.ts/] },
		{ code: 'export class TaskExecution extends WorkflowEntrypoint {}', filename: 'worker/workflows/task-execution.ts', errors: 1 },
		{ code: 'export default class Pool extends DurableObject {}', filename: 'worker/pool.ts', errors: 1 },
		{ code: 'export const createRouter = () => 1', filename: 'worker/http/Router.ts', errors: [/camelCase/] },
		{ code: 'export const createRouter = () => 1', filename: 'worker/http/task-router.ts', errors: [/camelCase/] },
	],
})
