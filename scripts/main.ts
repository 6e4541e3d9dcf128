import process from 'node:process'

// The root verbs. bootstrap.mjs calls this under the pinned Node with the tools of the project on the PATH.
interface Verb {
	summary: string
	/** Loaded when it is called, so that no verb pays for another. */
	load(): Promise<{ run(args: string[]): Promise<number> }>
}

const VERBS: Record<string, Verb> = {
	start: { summary: 'the whole system on this machine', load: () => import('./dev/start.ts') },
	demo: { summary: 'one order from prompt to landed commit; --json ends with one JSON object', load: () => import('./dev/demo.ts') },
	test: { summary: 'every test; -- <package or file> narrows, --unit leaves out end-to-end tests', load: () => import('./verbs/test.ts') },
	'test:containers': { summary: 'runners in real containers, where Docker is there', load: () => import('./verbs/testContainers.ts') },
	check: { summary: 'lint, types, unused code, import law, layout, migrations, Workers; -- <name> runs one', load: () => import('./verbs/check.ts') },
	fix: { summary: 'repairs what `check` can repair by itself', load: () => import('./verbs/fix.ts') },
	bench: { summary: 'measures; -- <name> --json ends with one JSON object', load: () => import('./bench/index.ts') },
	'db:generate': { summary: 'writes a migration from the schema; -- --name <what_it_does>', load: () => import('./verbs/dbGenerate.ts') },
	'db:migrate': { summary: 'applies migrations to the local database; -- --remote to the deployed one', load: () => import('./verbs/dbMigrate.ts') },
}

function usage(): string {
	const lines = Object.entries(VERBS).map(([name, { summary }]) => `  ${name.padEnd(16)} ${summary}`)
	return `Usage: npm run <verb> -- [options]   (npm start and npm test need no "run")\n\n${lines.join('\n')}\n`
}

const [name = 'help', ...args] = process.argv.slice(2)
const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
if (verb) {
	const { run } = await verb.load()
	process.exitCode = await run(args)
} else if (name === 'help' || name === '--help') {
	process.stdout.write(usage())
} else {
	process.stderr.write(`There is no verb "${name}".\n\n${usage()}`)
	process.exitCode = 2
}
