/** Sends whatever it is posted to the queue of provider tasks, as a producer that repeats itself would. */
export default {
	async fetch(request: Request, env: { PROVIDER_TASKS: Queue<unknown> }): Promise<Response> {
		await env.PROVIDER_TASKS.send(await request.json())
		return new Response(null, { status: 202 })
	},
}
