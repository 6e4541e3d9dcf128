// The Worker of unit tests: they import what they test, so it answers nothing itself.
export default { fetch: () => new Response('unit tests', { status: 404 }) }
