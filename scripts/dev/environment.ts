import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { PROVIDER_SECRETS, ScenarioFile } from '@shared/contracts'
import type { Scenario } from '@shared/contracts'
import { projectRoot } from '@shared/testing/stack'

/** What `.dev.vars` says, and whether it holds the key of any provider. */
export function readDevVars(): { vars: Record<string, string>; keys: string[] } {
	const file = [join(projectRoot, '.dev.vars'), join(projectRoot, 'orchestrator/.dev.vars')].find((path) => existsSync(path))
	const parsed = file === undefined ? {} : parseEnv(readFileSync(file, 'utf8'))
	const vars = Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''))
	delete vars['TOKEN_SIGNING_KEY']
	return { vars, keys: Object.values(PROVIDER_SECRETS).filter((name) => vars[name] !== undefined) }
}

/** Reads a scenario file; the error says what is wrong with it and where. */
export function readScenarios(path: string): Scenario[] {
	let content: unknown
	try {
		content = JSON.parse(readFileSync(path, 'utf8'))
	} catch (error) {
		throw new Error(`The scenario file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
	}
	const parsed = ScenarioFile.safeParse(content)
	if (parsed.success) return parsed.data
	const issue = parsed.error.issues[0]
	throw new Error(`The scenario file ${path} is not valid at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? ''}`)
}

export const defaultScenarios = () => readScenarios(join(projectRoot, 'scripts/demo/scenarios.json'))

/** With no provider key the emulator plays the models; with any, only the real services are used. */
export function chooseModels(scenarios: Scenario[]) {
	const { vars, keys } = readDevVars()
	if (keys.length === 0) return { models: { emulator: scenarios }, vars, banner: 'model emulator (no provider key in .dev.vars): scripted answers, no real model' }
	return { models: 'real' as const, vars, banner: `real services, keys: ${keys.join(', ')}` }
}
