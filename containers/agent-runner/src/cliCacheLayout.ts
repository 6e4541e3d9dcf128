import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@shared/contracts'
import type { CLIName, InstalledCLI } from './cliCache.ts'

/**
 * Finds what to execute inside an npm prefix. Native binaries are taken directly: the npm launchers of some CLIs swallow
 * signals or leave their child running.
 * @throws AppError UNAVAILABLE when the package for this platform is not there.
 */
export async function locateCLI(name: CLIName, prefix: string, version: string): Promise<InstalledCLI> {
	const modules = join(prefix, 'node_modules')
	switch (name) {
		case 'codex':
			return { bin: await codexBinary(modules), argvPrefix: [], version, env: {} }
		case 'claude': {
			const packages = platforms('-').map((platform) => `@anthropic-ai/claude-code-${platform}`)
			const bin = await firstExecutable(name, packages.map((each) => join(modules, each, 'claude')))
			return { bin, argvPrefix: [], version, env: { DISABLE_AUTOUPDATER: '1' } }
		}
		case 'copilot': {
			const packages = platforms('').map((platform) => `@github/copilot-${platform}`)
			const bin = await firstExecutable(name, packages.map((each) => join(modules, each, 'copilot')))
			const env = { COPILOT_AUTO_UPDATE: 'false', COPILOT_PKG_CACHE_HOME: join(prefix, 'package-cache') }
			return { bin, argvPrefix: [], version, env }
		}
		case 'gemini': {
			const script = join(modules, '@google/gemini-cli/bundle/gemini.js')
			await access(script)
			// Without it the CLI starts itself a second time behind a launcher that ignores SIGTERM.
			return { bin: process.execPath, argvPrefix: [script], version, env: { GEMINI_CLI_NO_RELAUNCH: 'true' } }
		}
	}
}

async function codexBinary(modules: string): Promise<string> {
	const vendor = join(modules, `@openai/codex-${process.platform}-${process.arch}`, 'vendor')
	const targets = await readdir(vendor).catch(() => [])
	return await firstExecutable('codex', targets.map((target) => join(vendor, target, 'bin/codex')))
}

/** npm installs the one that fits the C library; `musl` is written `linux-x64-musl` by one vendor and `linuxmusl-x64` by another. */
function platforms(separator: '-' | ''): string[] {
	const { platform, arch } = process
	return separator === '-' ? [`${platform}-${arch}`, `${platform}-${arch}-musl`] : [`${platform}-${arch}`, `${platform}musl-${arch}`]
}

async function firstExecutable(name: CLIName, paths: string[]): Promise<string> {
	for (const path of paths) {
		try {
			await access(path, constants.X_OK)
			return path
		} catch {
			// The next candidate may be the one that npm chose.
		}
	}
	const platform = `${process.platform}-${process.arch}`
	throw new AppError('UNAVAILABLE', `${name} has no program for ${platform}: its optional platform package was not installed.`, { cli: name, platform })
}
