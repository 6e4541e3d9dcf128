// Runs a root verb on any machine that has Node 20+, npm and git: brings in the Node and pnpm that the
// project is pinned to, installs what the lock file names, then hands over. Plain JavaScript, because it
// is the one file that runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const state = join(root, '.vibehq')
const toolchain = join(state, 'toolchain')
const lock = join(state, 'setup.lock')
const main = join(root, 'scripts', 'main.ts')
const pinned = { node: '24.21.0', pnpm: '12.21.0' }
const ownNodeIsFine = Number(process.versions.node.split('.')[0]) >= 24

const say = (text) => process.stderr.write(`setup: ${text}\n`)
const stop = (text, status = 1) => {
	say(text)
	process.exit(status || 1)
}
const contents = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)

/** Runs a set-up program with its output on stderr, so that stdout stays the verb's. */
function install(command, args, env = process.env) {
	const { error, status } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] })
	if (error) stop(`could not run ${command}: ${error.message}`)
	return status ?? 1
}

/** The pinned pnpm, and the pinned Node where this one is older. */
const wanted = { pnpm: pinned.pnpm, ...(ownNodeIsFine ? {} : { node: pinned.node }) }
const toolchainStamp = join(toolchain, 'stamp.json')
const installedTools = () => JSON.parse(contents(toolchainStamp) ?? '{}')
const hasToolchain = (installed) => Object.entries(wanted).every(([name, version]) => installed[name] === version)

function installToolchain() {
	const tools = 'node' in installedTools() ? pinned : wanted
	const specs = Object.entries(tools).map(([name, version]) => `${name}@${version}`)
	say(`bringing in ${specs.join(' and ')}`)
	rmSync(toolchainStamp, { force: true })
	mkdirSync(toolchain, { recursive: true })
	writeFileSync(join(toolchain, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
	const options = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts=false', '--loglevel=error', '--prefix', toolchain]
	const status = install('npm', ['install', ...options, ...specs])
	if (status !== 0) stop('npm could not install the toolchain; check that the npm registry is reachable and run the command again', status)
	writeFileSync(toolchainStamp, JSON.stringify(tools))
}

const bin = join(toolchain, 'node_modules', '.bin')
const path = [...(ownNodeIsFine ? [dirname(process.execPath)] : []), bin, join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
const env = { ...process.env, PATH: path, WRANGLER_SEND_METRICS: 'false', TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }

const dependenciesMark = createHash('sha256').update(['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((file) => contents(join(root, file))).join('\0')).digest('hex')
const dependenciesStamp = join(root, 'node_modules', '.vibehq-install')

function installDependencies() {
	say('installing dependencies')
	// CI: pnpm then asks nothing when it has to replace what another version installed.
	const status = install('pnpm', ['install', '--frozen-lockfile', '--reporter=silent'], { ...env, CI: 'true' })
	if (status !== 0) stop('pnpm install failed; run it again, and if the lock file is out of date run "pnpm install" first', status)
	writeFileSync(dependenciesStamp, dependenciesMark)
}

/** The second patch engine needs Python 3.11 or later, and nothing beside its standard library. */
function ensurePython() {
	const test = ['-c', 'import json, sys; sys.exit(sys.version_info < (3, 11))']
	const isThere = () => ['/usr/bin/python3', 'python3'].some((program) => spawnSync(program, test).status === 0)
	if (isThere()) return
	if (process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0) {
		say('installing python3')
		install('apt-get', ['update', '-qq'])
		install('apt-get', ['install', '-qq', '-y', '--no-install-recommends', 'python3'], { ...process.env, DEBIAN_FRONTEND: 'noninteractive' })
	}
	if (!isThere()) stop('Python 3.11 or later is missing, and no patch lands without the engine that needs it; install it (Debian: apt-get install python3) and run the command again')
}

const isReady = () => hasToolchain(installedTools()) && contents(dependenciesStamp) === dependenciesMark

const isAlive = (pid) => {
	try {
		process.kill(pid, 0)
		return true
	} catch (error) {
		return error.code === 'EPERM'
	}
}

/** Does the set-up unless another command of this checkout is at it; then waits for that one. */
function setUp() {
	mkdirSync(state, { recursive: true })
	for (let isWaiting = false; !isReady(); isWaiting = true) {
		try {
			writeFileSync(lock, String(process.pid), { flag: 'wx' })
			break
		} catch (error) {
			if (error.code !== 'EEXIST') throw error
		}
		if (!isAlive(Number(contents(lock) || process.pid))) rmSync(lock, { force: true })
		if (!isWaiting) say('waiting for the set-up that another command has begun')
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
	}
	if (isReady()) return
	try {
		ensurePython()
		if (!hasToolchain(installedTools())) installToolchain()
		if (contents(dependenciesStamp) !== dependenciesMark) installDependencies()
	} finally {
		rmSync(lock, { force: true })
	}
}

/** Under Node 24 the verb runs in this process; else in a child that gets our signals and gives us its status. */
async function handOver() {
	if (ownNodeIsFine) {
		Object.assign(process.env, env)
		await import(pathToFileURL(main).href)
		return
	}
	const child = spawn(join(bin, 'node'), [main, ...process.argv.slice(2)], { env, stdio: 'inherit' })
	// A terminal signals the child by itself; this is for whoever signals only us.
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal))
	child.on('error', (error) => stop(`could not run Node ${pinned.node}: ${error.message}; delete .vibehq/toolchain and run the command again`))
	child.on('exit', (status, signal) => (signal ? process.exit(128 + (signal === 'SIGINT' ? 2 : signal === 'SIGKILL' ? 9 : 15)) : process.exit(status ?? 1)))
}

if (!isReady()) setUp()
await handOver()
