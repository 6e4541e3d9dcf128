import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from '../lib/files.ts'
import { listPackages } from '../lib/workspace.ts'
import type { Package } from '../lib/workspace.ts'
import type { Check } from './check.ts'

const TOP_LEVEL = new Set([
	'orchestrator', '@shared', 'apps', 'containers', 'migrations', 'docs', 'scripts',
	'package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', 'tsconfig.base.json', 'turbo.json',
	'README.md', 'LICENSE', 'CONTRIBUTING.md', 'SECURITY.md', 'AGENTS.md',
])
const MAX_LINES = 400
const MAX_TEST_LINES = 600
const SOURCE = /\.(ts|tsx|mjs|py|sh)$/
const TEST = /\.test\.ts$|\/test\/|(^|\/)test_[^/]*\.py$/
const PYTHON_OR_TOOL_FOLDER = /^\.|^@shared$/

export const layoutCheck: Check = {
	name: 'layout',
	remedy: 'docs/ARCHITECTURE.md says where things live; split a long file by concept, not by size',
	async run(root) {
		const files = listFiles(root)
		const sources = files.filter((path) => SOURCE.test(path)).map((path) => ({ path, lines: countLines(readFileSync(join(root, path), 'utf8')) }))
		const problems = [...topLevelProblems(files), ...folderProblems(files), ...sizeProblems(sources), ...listPackages(root).flatMap((each) => packageProblems(each, files))]
		const sizes = sources.filter(({ path }) => !TEST.test(path)).map(({ lines }) => lines)
		return { problems, note: `${sizes.length} source files, lines: median ${quantile(sizes, 0.5)}, p90 ${quantile(sizes, 0.9)}, longest ${Math.max(0, ...sizes)}` }
	},
}

export function topLevelProblems(files: readonly string[]): string[] {
	const entries = new Set(files.map((path) => path.split('/')[0] ?? path))
	return [...entries].filter((entry) => !TOP_LEVEL.has(entry) && !entry.startsWith('.')).map((entry) => `${entry}: the top level is fixed; this belongs into one of its folders`)
}

/** Folders of TypeScript are kebab-case. */
export function folderProblems(files: readonly string[]): string[] {
	const folders = new Set(files.filter((path) => /\.(ts|tsx|mjs)$/.test(path)).flatMap((path) => path.split('/').slice(0, -1)))
	return [...folders].filter((folder) => !PYTHON_OR_TOOL_FOLDER.test(folder) && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(folder)).map((folder) => `${folder}/: folders are kebab-case`)
}

export function sizeProblems(sources: readonly { path: string; lines: number }[]): string[] {
	return sources.flatMap(({ path, lines }) => {
		const most = TEST.test(path) ? MAX_TEST_LINES : MAX_LINES
		return lines > most ? [`${path}: ${lines} lines, at most ${most}`] : []
	})
}

/** What every package has: a name that is its path, a README, a tag for the import law, and tests. */
export function packageProblems({ name, directory, manifest }: Package, files: readonly string[]): string[] {
	const has = (file: string) => files.includes(`${directory}/${file}`)
	const wantedName = directory.startsWith('@shared/') ? directory : directory.split('/').at(-1)
	const problems = [
		name === wantedName ? '' : `its name is ${name}, its path says ${wantedName}`,
		has('README.md') ? '' : 'README.md is missing',
		has('turbo.json') ? '' : 'turbo.json with its tag is missing',
		manifest.scripts?.['test'] ? '' : 'package.json has no test script',
		has('tsconfig.json') && !manifest.scripts?.['typecheck'] ? 'package.json has no typecheck script' : '',
		manifest.private === true ? '' : 'package.json is not private',
		manifest.type === 'module' ? '' : 'package.json lacks "type": "module"',
		manifest.sideEffects === false ? '' : 'package.json lacks "sideEffects": false',
	]
	return problems.filter((problem) => problem !== '').map((problem) => `${directory}: ${problem}`)
}

export const countLines = (text: string) => (text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0))

/** The value at `share` of the sorted list (nearest rank); 0 for none. */
export function quantile(values: readonly number[], share: number): number {
	const sorted = values.toSorted((a, b) => a - b)
	return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
