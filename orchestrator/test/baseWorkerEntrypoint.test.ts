import { createExecutionContext } from 'cloudflare:test'
import { BaseWorkerEntrypoint } from '@shared/worker-base'
import { expect, it } from 'vitest'

class Orders extends BaseWorkerEntrypoint<{ WORKER_NAME?: string }> {}

it('answers health and nothing else', async () => {
	const open = (env: { WORKER_NAME?: string }) => new Orders(createExecutionContext(), env)
	expect(await open({ WORKER_NAME: 'vibehq-orchestrator' }).health()).toEqual({ status: 'ok', entrypoint: 'Orders', workerName: 'vibehq-orchestrator' })
	expect(await open({}).health()).toEqual({ status: 'ok', entrypoint: 'Orders', workerName: null })
	expect(Object.getOwnPropertyNames(BaseWorkerEntrypoint.prototype)).toEqual(['constructor', 'health'])
})
