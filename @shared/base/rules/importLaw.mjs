import { posix } from 'node:path'

const WORKER = '/orchestrator/worker/'
const DOORS = ['entrypoints', 'http', 'queues', 'cron', 'workflows', 'durable-objects']
const inside = (path, ...folders) => folders.some((folder) => path.includes(`${WORKER}${folder}/`))
const isSchema = (path) => path.endsWith(`${WORKER}database/schema.ts`) || inside(path, 'database/schema')
const isRoot = (path, ...names) => names.some((name) => path.endsWith(`${WORKER}${name}.ts`))
const doorOf = (path) => DOORS.find((door) => inside(path, door))

/** Sources that run in a Worker or in every runtime, where `node:` modules have no place. */
const PORTABLE = /\/(orchestrator\/worker|apps\/[^/]+\/src|@shared\/(contracts|ai-patch|ai-utils|worker-base|ai-packages|container-[a-z-]+)\/src)\//

/**
 * index -> doors -> services -> repositories -> schema, one row a law. `from` and `to` are absolute paths, or `to` is the bare
 * specifier of a package; `types` says that a type-only import is fine.
 */
const LAWS = [
	{
		broken: ({ from, to }) => inside(from, 'services') && (doorOf(to) !== undefined || isRoot(to, 'index')),
		why: 'a service never imports a door; the door calls the service',
	},
	{
		broken: ({ from, to }) => inside(from, 'services', 'database') && isRoot(to, 'env', 'services'),
		why: 'only index, the composition root and doors see env; take what is needed as a dependency',
	},
	{
		broken: ({ from, to }) => inside(from, 'services', 'database') && to === 'cloudflare:workers',
		types: true,
		why: 'cloudflare:workers hands out env; take what is needed as a dependency',
	},
	{
		broken: ({ from, to }) => inside(from, 'database') && (inside(to, 'services') || doorOf(to) !== undefined),
		types: true,
		why: 'repositories stand below services and doors',
	},
	{
		broken: ({ from, to }) => from.includes(WORKER) && !inside(from, 'database') && isSchema(to),
		why: 'only repositories know the schema',
	},
	{
		broken: ({ from, to }) => doorOf(from) !== undefined && inside(to, 'database/repositories'),
		types: true,
		why: 'a door parses, calls a service and returns; it asks no repository',
	},
	{
		broken: ({ from, to }) => doorOf(from) !== undefined && doorOf(to) !== undefined && doorOf(from) !== doorOf(to),
		types: true,
		why: 'doors never import each other',
	},
	{
		broken: ({ from, to }) => inside(from, 'entrypoints') && inside(to, 'entrypoints') && /\/(tasks|[A-Z]\w*)\.ts$/.test(to),
		types: true,
		why: 'doors never import each other',
	},
	{
		broken: ({ from, to }) => from.includes('/orchestrator/') && to.startsWith('@shared/worker-base/ai'),
		why: 'worker-base/ai/* are clients of the orchestrator',
	},
	{
		broken: ({ from, to }) => PORTABLE.test(from) && to.startsWith('node:'),
		why: 'this code runs in workerd and must not need a Node module',
	},
]

/** True when nothing of the import is left at run time. */
const isTypeOnly = (node) =>
	node.importKind === 'type' || node.exportKind === 'type' || (node.specifiers?.length > 0 && node.specifiers.every((specifier) => specifier.importKind === 'type'))

export const importLaw = {
	create(context) {
		const from = context.filename.replaceAll('\\', '/')
		const check = (node) => {
			const specifier = node.source?.value
			if (typeof specifier !== 'string') return
			const to = specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier
			for (const law of LAWS) {
				if (law.types && isTypeOnly(node)) continue
				if (law.broken({ from, to })) context.report({ node: node.source, message: `${specifier}: ${law.why}.` })
			}
		}
		return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check }
	},
}
