import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const base = dirname(fileURLToPath(import.meta.url))
const root = join(base, '..', '..')
const oxlint = join(base, 'node_modules', '.bin', 'oxlint')

const lines = (count: number, line: string) => `${line}\n`.repeat(count)
const longFunction = (name: string) => `export function ${name}() {\n${lines(60, '\tname()')}}\nfunction name() {}\n`

/** A file of a small project under the real configuration, and the rules that must fire on it, in order of name. */
const CASES: [path: string, source: string, rules: string[]][] = [
	['@shared/contracts/src/clean.ts', 'export const clean = (value: unknown): value is string => typeof value === "string"\n', []],
	['@shared/contracts/src/long.ts', lines(401, 'export {}'), ['max-lines']],
	['@shared/contracts/src/long.test.ts', lines(401, 'export {}'), []],
	['@shared/contracts/src/tooLong.test.ts', lines(601, 'export {}'), ['max-lines']],
	['@shared/contracts/src/longFunction.ts', longFunction('long'), ['max-function-lines']],
	['@shared/contracts/src/longFunction.test.ts', longFunction('long'), []],
	['@shared/contracts/src/params.ts', 'export const sum = (a: number, b: number, c: number, d: number) => a + b + c + d\n', ['max-params']],
	['@shared/contracts/src/any.ts', 'export const loose = (value: any) => value\n', ['no-explicit-any']],
	['@shared/contracts/src/bang.ts', 'export const first = (list: string[]) => list[0]!\n', ['no-non-null-assertion']],
	['@shared/contracts/src/ignore.ts', '// @ts-ignore\nexport const x: string = 1\n', ['ban-ts-comment']],
	['@shared/contracts/src/equal.ts', 'export const same = (a: unknown, b: unknown) => a == b\n', ['eqeqeq']],
	['@shared/contracts/src/print.ts', 'console.log(1)\nexport const x = 1\n', ['no-console']],
	['scripts/print.ts', 'console.log(1)\nexport const x = 1\n', []],
	['@shared/contracts/src/typeImport.ts', "import { Order } from './order.ts'\nexport const f = (order: Order) => order\n", ['consistent-type-imports']],
	['@shared/contracts/src/order.ts', 'export interface Order { id: string }\n', []],
	['@shared/contracts/src/cycleA.ts', "import { b } from './cycleB.ts'\nexport const a = () => b()\n", ['no-cycle']],
	['@shared/contracts/src/cycleB.ts', "import { a } from './cycleA.ts'\nexport const b = () => a()\n", ['no-cycle']],
	['@shared/contracts/src/nodeModule.ts', "import { join } from 'node:path'\nexport const x = join('a')\n", ['import-law']],
	['scripts/nodeModule.ts', "import { join } from 'path'\nexport const x = join('a')\n", ['prefer-node-protocol']],
	['orchestrator/worker/services/clock.ts', 'export const at = () => Date.now()\n', ['no-ambient-effects']],
	['orchestrator/worker/services/clock.test.ts', 'export const at = () => Date.now()\n', []],
	['orchestrator/worker/services/git/testing/fixture.ts', 'export const at = () => Date.now()\n', []],
	['@shared/ai-patch/src/testing/git.ts', "import { join } from 'node:path'\nexport const x = join('a')\n", []],
	['orchestrator/worker/http/clock.ts', 'export const at = () => Date.now()\n', []],
	['orchestrator/worker/services/order.ts', "import { orders } from '../database/schema.ts'\nexport const x = orders\n", ['import-law']],
	['orchestrator/worker/entrypoints/aiOps.ts', 'export class AIOps extends WorkerEntrypoint { private a() {} }\n', ['file-name-case', 'rpc-privacy']],
	['orchestrator/test/rpc.test.ts', 'await expect(env.X.run()).rejects.toThrow()\n', ['no-direct-rpc-rejects']],
]

let project = ''
const found = new Map<string, string[]>()

beforeAll(() => {
	project = mkdtempSync(join(tmpdir(), 'vibehq-lint-'))
	cpSync(join(root, '.oxlintrc.jsonc'), join(project, '.oxlintrc.jsonc'))
	mkdirSync(join(project, '@shared'))
	symlinkSync(base, join(project, '@shared', 'base'))
	for (const [path, source] of CASES) {
		mkdirSync(dirname(join(project, path)), { recursive: true })
		writeFileSync(join(project, path), source)
	}
	const { stdout } = spawnSync(oxlint, ['--format=json', '--threads=1', '@shared/contracts', '@shared/ai-patch', 'orchestrator', 'scripts'], { cwd: project, encoding: 'utf8' })
	const report: { diagnostics: { filename: string; code: string }[] } = JSON.parse(stdout)
	for (const { filename, code } of report.diagnostics) {
		const rule = code.replace(/^.*\((.*)\)$/, '$1')
		found.set(filename, [...(found.get(filename) ?? []), rule].sort())
	}
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('.oxlintrc.jsonc', () => {
	it.each(CASES)('%s', (path, _source, rules) => {
		expect(found.get(path) ?? []).toEqual(rules)
	})
})
