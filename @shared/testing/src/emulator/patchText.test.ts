import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addPatch, readCommand, shellQuote, updatePatch, wholeLines, writeCommand } from './patchText.ts'

describe('wholeLines', () => {
	const FILE = 'one\n\ttwo = a - b\nthree\nfour'

	it.each([
		['part of a line', 'a - b', 'a + b', '\ttwo = a - b', '\ttwo = a + b'],
		['the start of the file', 'one', '1', 'one', '1'],
		['the end without a line break', 'four', '4', 'four', '4'],
		['two lines', 'b\nthr', 'B\nTHR', '\ttwo = a - b\nthree', '\ttwo = a - B\nTHRee'],
		['a whole line with its break', 'three\n', '3\n3b\n', 'three', '3\n3b'],
		['a break that goes', 'three\n', 'three ', 'three\nfour', 'three four'],
	])('finds %s', (_case, old, replacement, before, after) => {
		expect(wholeLines(FILE, old, replacement)).toEqual({ before, after })
	})

	it.each([['missing'], ['']])('finds nothing for "%s"', (old) => {
		expect(wholeLines(FILE, old, 'x')).toBeUndefined()
	})
})

describe('patches', () => {
	it('update and add', () => {
		expect(updatePatch('a', { before: 'x\ny', after: 'z' })).toBe('*** Begin Patch\n*** Update File: a\n@@\n-x\n-y\n+z\n*** End Patch')
		expect(addPatch('a', 'x\n\ny\n')).toBe('*** Begin Patch\n*** Add File: a\n+x\n+\n+y\n*** End Patch')
	})
})

describe('commands', () => {
	it('survive a real shell, whatever the text', () => {
		const dir = mkdtempSync(join(tmpdir(), 'patch-text-'))
		const run = (command: string): string => execFileSync('sh', ['-c', command], { cwd: dir, encoding: 'utf8' })
		const content = "it's $HOME `x` \\n %s\n\"two\"\nthree"
		run(writeCommand("a b/c'd.txt", content))
		expect(readFileSync(join(dir, "a b/c'd.txt"), 'utf8')).toBe(content)
		expect(run(readCommand("a b/c'd.txt", '$HOME `x`'))).toBe("it's $HOME `x` \\n %s\n")
		expect(run(readCommand("a b/c'd.txt", '%s\n"tw'))).toBe("it's $HOME `x` \\n %s\n\"two\"\n")
		expect(run(readCommand("a b/c'd.txt", '\n"two'))).toBe(content)
		expect(run(`printf %s ${shellQuote("'")}`)).toBe("'")
		rmSync(dir, { recursive: true })
	})
})
