import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { AppError } from '@shared/contracts'
import { z } from 'zod'
import { runProgram } from './program.ts'
import { toolPath } from './toolPath.ts'

// From src/ and dist/ of this package, and from where the image has the bundle.
const PLACES = ['../../patch-manager/patch_manager.py', '../patch-manager/patch_manager.py']

export interface Remade {
	ok: boolean
	/** What the Patch Manager says is wrong; null when it is content. */
	problem: string | null
}

export interface RemakeOptions {
	root: string
	patchSetFile: string
	/** Where the tree is not that of the set's base: the base, in a git directory that has it. */
	base?: { gitDir: string; commit: string }
	signal: AbortSignal
}

/** Has the other engine land a patch set on the tree under `root`. */
export async function remake({ root, patchSetFile, base, signal }: RemakeOptions): Promise<Remade> {
	const [script, python] = await Promise.all([findScript(), findPython()])
	// -S and -E save a third of the start; the Patch Manager needs the standard library only.
	const args = ['-S', '-E', '-B', script, 'remake', '--root', root, ...(base ? ['--git-dir', base.gitDir, '--base', base.commit] : []), patchSetFile]
	const env = { PATH: toolPath(), HOME: '/nonexistent', LC_ALL: 'C.UTF-8' }
	const result = await runProgram({ bin: python, args, env, signal, timeoutMs: 300_000 })
	if (result.exitCode === 0) return { ok: true, problem: null }
	return { ok: false, problem: problemOf(result.stdout.toString('utf8'), result.stderr) ?? `exit code ${result.exitCode}` }
}

const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** Its own refusal, else the last line of what it died with. */
function problemOf(stdout: string, stderr: string): string | null {
	try {
		const { error } = Refusal.parse(JSON.parse(stdout))
		return `${error.code}: ${error.message}`.slice(0, 4000)
	} catch {
		return (stderr.trim().split('\n').at(-1) ?? '').slice(0, 4000) || null
	}
}

let scriptPath: Promise<string> | undefined
function findScript(): Promise<string> {
	scriptPath ??= (async () => {
		for (const place of PLACES) {
			const path = fileURLToPath(new URL(place, import.meta.url))
			if (await access(path).then(() => true, () => false)) return path
		}
		throw new AppError('UNAVAILABLE', 'patch_manager.py is not beside the runner. Take the whole checkout, or the factory-base image.')
	})()
	return scriptPath
}

let pythonPath: Promise<string> | undefined
/** The interpreter itself: version managers put slow shell scripts of that name on the PATH. */
function findPython(): Promise<string> {
	pythonPath ??= (async () => {
		const request = { args: ['-c', 'import sys; print(sys.executable)'], env: { PATH: toolPath(), HOME: process.env['HOME'] ?? '/' }, timeoutMs: 20_000 }
		for (const bin of ['/usr/bin/python3', 'python3']) {
			const asked = await runProgram({ bin, ...request })
			if (asked.exitCode === 0) return asked.stdout.toString('utf8').trim() || bin
		}
		throw new AppError('UNAVAILABLE', 'python3 is not installed. Validation needs it for the second patch engine.')
	})()
	return pythonPath
}

/** Finds script and interpreter ahead of the first validation. */
export async function warmUpPatchManager(): Promise<void> {
	await Promise.allSettled([findScript(), findPython()])
}
