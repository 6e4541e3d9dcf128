import { noAmbientEffects } from './noAmbientEffects.mjs'
import { tester } from './tester.ts'

tester.run('no-ambient-effects', noAmbientEffects, {
	valid: [
		'export const createX = ({ now, fetch, ids }) => () => fetch(`/${now()}/${ids.task()}`)',
		'export const createX = (deps) => deps.fetch("/")',
		'export const at = (ms) => new Date(ms).toISOString()',
		'interface Deps { fetch: typeof fetch; now: () => number }',
		'export const digest = (bytes) => crypto.subtle.digest("SHA-256", bytes)',
	],
	invalid: [
		{ code: 'const at = Date.now()', errors: [/Date\.now/] },
		{ code: 'const at = new Date()', errors: [/new Date/] },
		{ code: 'const id = crypto.randomUUID()', errors: [/randomUUID/] },
		{ code: 'const id = globalThis.crypto.getRandomValues(bytes)', errors: [/getRandomValues/] },
		{ code: 'const id = Math.random()', errors: 1 },
		{ code: 'const answer = await fetch("/")', errors: [/global fetch/] },
		{ code: 'const answer = await globalThis.fetch("/")', errors: 1 },
		{ code: 'const createX = ({ fetcher = fetch }) => fetcher("/")', errors: [/global fetch/] },
	],
})
