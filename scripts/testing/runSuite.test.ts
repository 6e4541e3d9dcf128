import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../lib/root.ts'
import { runSuite } from './runSuite.ts'
import type { Suite } from './suite.ts'

// Inside the checkout, so that the little package finds vitest.
const scratch = join(ROOT, '.vibehq', 'tmp')
let directory = ''

const FILES = {
	'vitest.config.ts': 'export default {}\n',
	'good.test.ts': "import { expect, it } from 'vitest'\nit('holds', () => expect(1).toBe(1))\nit.skip('waits', () => {})\n",
	'bad.test.ts': "import { expect, it } from 'vitest'\nit('breaks', () => expect(1).toBe(2))\n",
	'broken.test.ts': "import './is-not-there.ts'\n",
	'late.test.ts': "import { it } from 'vitest'\nit('leaves an error behind', () => { void Promise.reject(new Error('late')) })\n",
	'tests/helper.py': 'VALUE = 1\n',
	'tests/test_good.py': 'import unittest\nfrom helper import VALUE\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(VALUE, 1)\n',
	'tests/test_bad.py': 'import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.fail()\n    @unittest.skip("x")\n    def test_wait(self):\n        pass\n',
}

beforeAll(() => {
	mkdirSync(scratch, { recursive: true })
	directory = mkdtempSync(join(scratch, 'suite-'))
	for (const [path, text] of Object.entries(FILES)) {
		mkdirSync(dirname(join(directory, path)), { recursive: true })
		writeFileSync(join(directory, path), text)
	}
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const suite = (kind: Suite['kind'], ...files: string[]) => runSuite(scratch, { name: 'x', directory: basename(directory), kind, files, isWhole: false })

describe('runSuite', { timeout: 60_000 }, () => {
	it('counts what vitest runs, and what fails outside a test', async () => {
		expect(await suite('vitest', 'good.test.ts', 'bad.test.ts', 'broken.test.ts')).toMatchObject({
			passed: 1, failed: 2, skipped: 1, skippedNames: ['waits'], problems: [expect.stringContaining('broken.test.ts')],
		})
	})

	it('counts an error that no test waits for', async () => {
		expect(await suite('vitest', 'late.test.ts')).toMatchObject({ passed: 1, failed: 1 })
	})

	it('counts a filter that no file of vitest fits', async () => {
		expect(await suite('vitest', 'nothing.test.ts')).toMatchObject({ passed: 0, failed: 1 })
	})

	it('counts what Python runs, with helpers beside the tests', async () => {
		expect(await suite('python', 'tests/test_good.py', 'tests/test_bad.py')).toMatchObject({ passed: 1, failed: 1, skipped: 1 })
		expect(await suite('python', 'tests/test_absent.py')).toMatchObject({ passed: 0, failed: 1 })
	})

	it('counts a package without tests as one failure', async () => {
		expect(await suite('vitest')).toMatchObject({ passed: 0, failed: 1, problems: ['the package has no test file'] })
	})
})
