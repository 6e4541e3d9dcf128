import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ORCHESTRATOR_BINDINGS, ORCHESTRATOR_SERVICE } from '@shared/contracts'
import { parseJSONC, setProperty } from '../lib/jsonc.ts'
import type { Check } from './check.ts'

const BASE = '@shared/base/wrangler.base.jsonc'
const ORCHESTRATOR = 'orchestrator/wrangler.jsonc'
const TEMPLATE = '@shared/worker-base/template/wrangler.jsonc'

type Config = Record<string, unknown>
interface ServiceBinding {
	binding: string
	service: string
	entrypoint?: string
	props?: unknown
}

/** wrangler ignores "extends", so what all Workers share is written into each configuration and compared here. */
export const wranglerBaseCheck: Check = {
	name: 'wrangler-base',
	remedy: '`npm run fix` writes the shared part; change it in @shared/base/wrangler.base.jsonc',
	async run(root) {
		const stale = planWrites(root)
		return { problems: stale.map(({ path, keys }) => `${path}: ${keys.join(', ')} not as in ${BASE}`), note: `${workerConfigs(root).length} Workers` }
	},
}

/** Writes the shared part into the base file and every Worker; returns the files that changed. */
export function writeWranglerBase(root: string): string[] {
	const write = (isAsked: (path: string) => boolean) => {
		const writes = planWrites(root).filter(({ path }) => isAsked(path))
		for (const { path, text } of writes) writeFileSync(join(root, path), text)
		return writes.map(({ path }) => path)
	}
	// The base first: the Workers' part is read from it.
	return [...write((path) => path === BASE), ...write((path) => path !== BASE)]
}

/** Every Worker's configuration, relative to the root; the template for new Workers is one of them. */
export function workerConfigs(root: string): string[] {
	const apps = existsSync(join(root, 'apps')) ? readdirSync(join(root, 'apps')).map((name) => `apps/${name}/wrangler.jsonc`) : []
	return [ORCHESTRATOR, ...apps.sort(), TEMPLATE].filter((path) => existsSync(join(root, path)))
}

function planWrites(root: string) {
	const read = (path: string) => readFileSync(join(root, path), 'utf8')
	const base = parseConfig(read(BASE), BASE)
	const plans = [
		{ path: BASE, wanted: { services: contractServices() } as Config },
		...workerConfigs(root).map((path) => ({ path, wanted: sharedPart(base, parseConfig(read(path), path), path) })),
	]
	return plans.flatMap(({ path, wanted }) => {
		const text = read(path)
		const keys = differences(parseConfig(text, path), wanted)
		return keys.length === 0 ? [] : [{ path, keys, text: keys.reduce((result, key) => setProperty(result, key, wanted[key]), text) }]
	})
}

function parseConfig(text: string, path: string): Config {
	const value = parseJSONC(text)
	if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${path}: not an object`)
	return { ...value }
}

const contractServices = (): ServiceBinding[] => Object.entries(ORCHESTRATOR_BINDINGS).map(([binding, entrypoint]) => ({ binding, service: ORCHESTRATOR_SERVICE, entrypoint }))

/** What a Worker's configuration must hold: the base, and for clients the bindings with the name of their folder as the caller. */
function sharedPart(base: Config, own: Config, path: string): Config {
	const { $schema: _schema, services, ...common } = base
	if (path === ORCHESTRATOR) return common
	const clientBindings = asServices(services).map((service) => ({ ...service, props: { workerName: basename(dirname(path)) } }))
	const others = asServices(own['services']).filter(({ binding }) => !binding.startsWith('ORCHESTRATOR_'))
	return { ...common, services: [...clientBindings, ...others] }
}

const asServices = (value: unknown): ServiceBinding[] => (Array.isArray(value) ? value : [])

/** The keys of `wanted` that the configuration lacks or has otherwise. */
function differences(config: Config, wanted: Config): string[] {
	return Object.keys(wanted).filter((key) => !isDeepStrictEqual(config[key], wanted[key]))
}
