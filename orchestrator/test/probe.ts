// The Worker of unit tests: they import what they test, so it answers nothing itself. Durable Objects have to be its own.
export { ContainerPool } from '../worker/durable-objects/ContainerPool.ts'

export default { fetch: () => new Response('unit tests', { status: 404 }) }
