import { noDirectRPCRejects } from './noDirectRPCRejects.mjs'
import { tester } from './tester.ts'

tester.run('no-direct-rpc-rejects', noDirectRPCRejects, {
	valid: [
		'await expect((async () => await env.TASKS.getOrder("x"))()).rejects.toThrow()',
		'await expect(service.getOrder("x")).rejects.toThrow()',
		'await expect(env.TASKS.getOrder("x")).resolves.toBe(1)',
		'await expect(rejection(() => env.TASKS.getOrder("x"))).resolves.toBe(1)',
	],
	invalid: [
		{ code: 'await expect(env.TASKS.getOrder("x")).rejects.toThrow()', errors: [/env/] },
		{ code: 'await expect(env.POOL.get(id).scale(1)).rejects.toMatchObject({})', errors: 1 },
		{ code: 'await expect(exports.Tasks({ props }).getOrder("x")).rejects.toThrow()', errors: 1 },
		{ code: 'await expect(poolStub.scale(1)).rejects.toThrow()', errors: 1 },
	],
})
