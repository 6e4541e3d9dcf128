import { rpcPrivacy } from './rpcPrivacy.mjs'
import { tester } from './tester.ts'

tester.run('rpc-privacy', rpcPrivacy, {
	valid: [
		'class A extends WorkerEntrypoint { #key = 1; #read() { return this.#key } async get() { return 1 } }',
		'class A extends DurableObject { readonly #tasks = 1; async fetch() {} }',
		'class A { private key = 1; get value() { return 1 } }',
		'class A extends Other { private read() {} }',
		'class A extends RpcTarget { static get kind() { return 1 } }',
	],
	invalid: [
		{ code: 'class A extends WorkerEntrypoint<Env> { private read() { return 1 } }', errors: [/read: TypeScript "private"/] },
		{ code: 'class A extends BaseWorkerEntrypoint { protected key = 1 }', errors: [/key: TypeScript "protected"/] },
		{ code: 'class A extends workers.DurableObject { get secret() { return 1 } }', errors: [/secret: a getter/] },
		{ code: 'class A extends RpcTarget { accessor secret = 1 }', errors: [/secret: an accessor/] },
		{ code: 'export const make = () => class extends RpcTarget { private a() {} private b() {} }', errors: 2 },
	],
})
