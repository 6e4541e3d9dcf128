import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'jsonc-parser'
import { orchestratorConfig } from '@shared/testing/stack'

interface WranglerConfig {
	main: string
	containers?: unknown
	queues: { consumers?: unknown }
	d1_databases: { migrations_dir?: string }[]
}

/** The orchestrator's configuration with a change, in a folder of its own; `main` is relative to the orchestrator. Without containers, whose image lies beside the original. */
export function derivedConfig(folder: string, change: (config: WranglerConfig) => void): string {
	const config = parse(readFileSync(orchestratorConfig, 'utf8')) as WranglerConfig
	delete config.containers
	for (const database of config.d1_databases) delete database.migrations_dir
	change(config)
	config.main = join(dirname(orchestratorConfig), config.main)
	const file = join(folder, 'wrangler.jsonc')
	writeFileSync(file, JSON.stringify(config))
	return file
}
