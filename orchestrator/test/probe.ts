// The Worker of unit tests: they import what they test, so it answers nothing itself. Durable Objects have to be its own.
export { ContainerPool } from '../worker/durable-objects/ContainerPool.ts'
export { EventHub } from '../worker/durable-objects/EventHub.ts'

export default { fetch: () => new Response('unit tests', { status: 404 }) }
