import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { findProgram, ProgramMissing } from './debianProgram.ts'

let root = ''
const put = (path: string, mode: number) => {
	mkdirSync(join(root, path, '..'), { recursive: true })
	writeFileSync(join(root, path), '')
	chmodSync(join(root, path), mode)
	return join(root, path)
}

beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'vibehq-programs-'))
	// Without apt-get nothing is installed.
	vi.stubEnv('PATH', join(root, 'bin'))
})
afterEach(() => {
	vi.unstubAllEnvs()
	rmSync(root, { recursive: true })
})

it('finds a program on PATH first, then in its folders, the latest version of them', () => {
	const folders = [join(root, 'lib/*/bin')]
	put('lib/14/bin/server', 0o755)
	const latest = put('lib/15/bin/server', 0o755)
	expect(findProgram({ name: 'server', package: 'p', folders })).toBe(latest)
	const first = put('bin/server', 0o755)
	expect(findProgram({ name: 'server', package: 'p', folders })).toBe(first)
})

it('says which package is missing', () => {
	put('bin/server', 0o644)
	expect(() => findProgram({ name: 'server', package: 'some-package' })).toThrow(ProgramMissing)
	expect(() => findProgram({ name: 'server', package: 'some-package' })).toThrow(/server is missing.*apt-get install some-package/)
})
