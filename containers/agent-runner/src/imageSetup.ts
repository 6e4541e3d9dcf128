import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GEMINI_SETTINGS } from './adapters/gemini.ts'
import { CLI_NAMES, ensureCLI } from './cliCache.ts'
import type { InstalledCLI } from './cliCache.ts'
import { IMAGE_VERSIONS_FILE } from './cliSource.ts'

// Run as root while the image is built: `node image-setup.mjs <cache>`. Installs every pinned CLI into <cache>/clis, puts a
// command of its name on the PATH, and locks Gemini's settings: those of the system outrank those of a repository.

const [cacheDir = '/opt/vibehq'] = process.argv.slice(2)
const versions: Record<string, string> = {}
for (const name of CLI_NAMES) {
	const cli = await ensureCLI(name, { cacheDir, onProgress: (line) => console.log(line) })
	await writeFile(`/usr/local/bin/${name}`, launcher(cli))
	await chmod(`/usr/local/bin/${name}`, 0o755)
	versions[name] = cli.version
}
await writeFile(IMAGE_VERSIONS_FILE, JSON.stringify(versions))
const settingsFile = '/etc/gemini-cli/settings.json'
await mkdir(dirname(settingsFile), { recursive: true })
await writeFile(settingsFile, JSON.stringify(GEMINI_SETTINGS))

function launcher({ bin, argvPrefix, env }: InstalledCLI): string {
	const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
	const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`)
	return `#!/bin/sh\n${exports.join('')}exec ${[bin, ...argvPrefix].map(quote).join(' ')} "$@"\n`
}
