import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the project. */
export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../../../..')
export const orchestratorConfig = join(projectRoot, 'orchestrator/wrangler.jsonc')
export const agentFactoryConfig = join(projectRoot, 'apps/agent-factory/wrangler.jsonc')
export const runnerProgram = join(projectRoot, 'containers/agent-runner/src/main.ts')
export const wranglerProgram = join(projectRoot, 'node_modules/wrangler/bin/wrangler.js')
