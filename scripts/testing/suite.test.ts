import { describe, expect, it } from 'vitest'
import { findSuites, selectSuites } from './suite.ts'

const packages = ['@shared/contracts', 'orchestrator', 'apps/empty'].map((directory) => ({ name: directory, directory, manifest: {} }))
const files = [
	'@shared/contracts/src/ids.test.ts',
	'@shared/contracts/src/ids.ts',
	'orchestrator/worker/http/orders.test.ts',
	'orchestrator/test/flow.e2e.test.ts',
	'containers/patch-manager/tests/test_apply.py',
	'containers/patch-manager/apply.py',
	'containers/agent-runner/src/run.test.ts',
]
const suites = findSuites(packages, files)
const select = (...filters: string[]) => selectSuites(suites, { filters, isUnitOnly: false })
const show = (list: typeof suites) => Object.fromEntries(list.map((suite) => [suite.name, suite.files]))

describe('findSuites', () => {
	it('finds the tests of each package and the Python tests of containers', () => {
		expect(show(suites)).toEqual({
			'@shared/contracts': ['src/ids.test.ts'],
			'orchestrator': ['worker/http/orders.test.ts'],
			'orchestrator e2e': ['test/flow.e2e.test.ts'],
			'apps/empty': [],
			'patch-manager': ['tests/test_apply.py'],
		})
	})
})

describe('selectSuites', () => {
	it('takes everything by default, also a package without tests, which then fails', () => {
		expect(select()).toEqual(suites)
	})

	it('takes a package by its name, its folder or its short name', () => {
		for (const filter of ['@shared/contracts', '@shared/contracts/', 'contracts']) {
			expect(show(select(filter))).toEqual({ '@shared/contracts': ['src/ids.test.ts'] })
		}
		expect(show(select('containers/patch-manager'))).toEqual({ 'patch-manager': ['tests/test_apply.py'] })
		expect(show(select('apps/empty'))).toEqual({ 'apps/empty': [] })
	})

	it('takes files by a part of their path', () => {
		expect(show(select('http/orders'))).toEqual({ orchestrator: ['worker/http/orders.test.ts'] })
		expect(select('http/orders')[0]?.isWhole).toBe(false)
		expect(show(select('ids.test', 'flow'))).toEqual({ '@shared/contracts': ['src/ids.test.ts'], 'orchestrator e2e': ['test/flow.e2e.test.ts'] })
	})

	it('takes nothing for an unknown filter', () => {
		expect(select('nothing-like-this')).toEqual([])
	})

	it('leaves out end-to-end tests when asked', () => {
		const unit = selectSuites(suites, { filters: ['orchestrator'], isUnitOnly: true })
		expect(show(unit)).toEqual({ orchestrator: ['worker/http/orders.test.ts'] })
	})
})
