import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from '@shared/testing/stack'
import type { PatchCase } from './patchCase.ts'

const PATCH_MANAGER = join(projectRoot, 'containers/patch-manager/patch_manager.py')

let scratch: string | undefined

function write(name: string, text: string): string {
	if (scratch === undefined) {
		const made = mkdtempSync(join(tmpdir(), 'vibehq-patch-'))
		process.once('exit', () => rmSync(made, { recursive: true, force: true }))
		scratch = made
	}
	const path = join(scratch, name)
	writeFileSync(path, text)
	return path
}

function run(command: string, args: string[]): { status: number; output: string } {
	const { status, stdout, error } = spawnSync(command, args, { cwd: scratch, maxBuffer: 2 ** 28, env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() } })
	if (error !== undefined) throw error
	return { status: status ?? -1, output: stdout.toString() }
}

function writeSides({ base, ours, theirs }: { base: string; ours: string; theirs: string }): [base: string, ours: string, theirs: string] {
	return [write('base', base), write('ours', ours), write('theirs', theirs)]
}

export function gitMergeFile(sides: { base: string; ours: string; theirs: string }): string | null {
	const [base, ours, theirs] = writeSides(sides)
	const { status, output } = run('git', ['merge-file', '-p', '-q', ours, base, theirs])
	return status === 0 ? output : null
}

/** The diff that `gitApply` takes; made beforehand, as an agent's would be. */
export function gitDiff({ base, target }: PatchCase): string {
	write('a', base)
	write('b', target)
	return run('git', ['diff', '--no-index', '--no-color', '--no-ext-diff', 'a', 'b']).output.replaceAll(/^(--- a\/|\+\+\+ b\/).*$/gm, '$1file').replace(/^diff --git .*\n/, '')
}

export function gitApply(diff: string, current: string): string | null {
	const file = write('file', current)
	const { status } = run('git', ['apply', '--whitespace=nowarn', write('diff', diff)])
	return status === 0 ? readFileSync(file, 'utf8') : null
}

export function patchManagerMergeFile(sides: { base: string; ours: string; theirs: string }): string | null {
	const [base, ours, theirs] = writeSides(sides)
	const { status, output } = run('python3', [PATCH_MANAGER, 'merge-file', base, ours, theirs])
	return status === 0 ? output : null
}
