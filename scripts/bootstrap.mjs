// Runs a root verb on any machine that has Node 20+, npm and git: brings in the Node and pnpm that the
// project is pinned to, installs what the lock file names, then hands over. Plain JavaScript, because it
// is the one file that runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const toolchain = join(root, '.vibehq', 'toolchain')
const pinned = { node: '24.21.0', pnpm: '12.21.0' }

const [verb = 'help', ...rest] = process.argv.slice(2)
const say = (text) => process.stderr.write(`${text}\n`)

function run(command, args, options = {}) {
	const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
	if (result.error) {
		say(`setup: could not run ${command}: ${result.error.message}`)
		process.exit(1)
	}
	return result.status ?? 1
}

/** Installs the pinned Node (where this one is older than 22) and pnpm beside the project, once. */
function ensureToolchain() {
	const ownNodeIsFine = Number(process.versions.node.split('.')[0]) >= 24
	const wanted = { pnpm: pinned.pnpm, ...(ownNodeIsFine ? {} : { node: pinned.node }) }
	const stamp = join(toolchain, 'stamp.json')
	const mark = JSON.stringify(wanted)
	if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== mark) {
		say(`setup: bringing in ${Object.entries(wanted).map(([name, version]) => `${name} ${version}`).join(' and ')}`)
		mkdirSync(toolchain, { recursive: true })
		writeFileSync(join(toolchain, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
		const specs = Object.entries(wanted).map(([name, version]) => `${name}@${version}`)
		const status = run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', '--prefix', toolchain, ...specs], {
			stdio: ['ignore', 2, 2],
		})
		if (status !== 0) {
			say('setup: npm could not install the toolchain; check that the npm registry is reachable and run the command again')
			process.exit(status)
		}
		writeFileSync(stamp, mark)
	}
	return join(toolchain, 'node_modules', '.bin')
}

function ensureDependencies(env) {
	const stamp = join(root, 'node_modules', '.vibehq-install')
	const inputs = ['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((file) => readFileSync(join(root, file)))
	const mark = createHash('sha256').update(Buffer.concat(inputs)).digest('hex')
	if (existsSync(stamp) && readFileSync(stamp, 'utf8') === mark) return
	say('setup: installing dependencies')
	const status = run('pnpm', ['install', '--frozen-lockfile', '--reporter=silent'], { env, stdio: ['ignore', 2, 2] })
	if (status !== 0) {
		say('setup: pnpm install failed; run it again, and if the lock file is out of date run "pnpm install" first')
		process.exit(status)
	}
	writeFileSync(stamp, mark)
}

const bin = ensureToolchain()
const path = [bin, join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
const env = { ...process.env, PATH: path, WRANGLER_SEND_METRICS: 'false', TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
ensureDependencies(env)
process.exit(run('node', [join(root, 'scripts', 'main.ts'), verb, ...rest], { env }))
