import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inParallel, run } from '../lib/run.ts'
import type { Check } from './check.ts'
import { workerConfigs } from './wranglerBase.ts'

const TIMEOUT_MS = 3 * 60_000

/** Bundles every Worker as a deployment would, without images and without an account. */
export const workersCheck: Check = {
	name: 'workers',
	remedy: 'run `npx wrangler deploy --dry-run --containers-rollout=none` in the folder of the Worker',
	async run(root) {
		const folders = workerConfigs(root).map((config) => dirname(config)).filter((folder) => !folder.startsWith('@shared/'))
		const found = await inParallel(folders, 2, (folder) => dryRun(root, folder))
		return { problems: found.flatMap(({ problem }) => problem), note: found.map(({ folder, size }) => `${folder} ${size}`).join(', ') }
	},
}

async function dryRun(root: string, folder: string) {
	const outdir = join(root, '.vibehq', 'tmp', 'bundles', folder)
	mkdirSync(outdir, { recursive: true })
	const args = ['deploy', '--dry-run', '--containers-rollout=none', '--outdir', outdir]
	const { status, output } = await run('wrangler', args, { cwd: join(root, folder), timeoutMs: TIMEOUT_MS, env: { NO_COLOR: '1', FORCE_COLOR: '0' } })
	const size = /Total Upload: (.+?) \//.exec(output)?.[1] ?? 'no size'
	const warnings = output.includes('[WARNING]') ? [`${folder}: wrangler warns\n${output.trimEnd()}`] : []
	return { folder, size, problem: status === 0 ? warnings : [`${folder}: wrangler deploy --dry-run failed\n${output.trimEnd()}`] }
}
