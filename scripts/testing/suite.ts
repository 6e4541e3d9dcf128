import type { Package } from '../lib/workspace.ts'

/** The tests of one package, run by one program. */
export interface Suite {
	name: string
	/** Relative to the root. */
	directory: string
	kind: 'vitest' | 'python'
	/** Test files relative to the package. */
	files: string[]
	/** False when `files` is only a part of what the package has. */
	isWhole: boolean
}

export interface Selection {
	/** Package names or folders, or parts of a file path; none means everything. */
	filters: string[]
	/** Leaves out `*.e2e.test.ts`. */
	isUnitOnly: boolean
}

const isEndToEnd = (file: string) => file.endsWith('.e2e.test.ts')
/** Whether the file starts whole systems or real CLIs. */
export const startsAgents = (file: string): boolean => isEndToEnd(file) || file.endsWith('.realCLIs.test.ts')
const inside = (path: string, directory: string) => path.startsWith(`${directory}/`)

/** One suite a package, one more for its end-to-end tests, and one a container folder with Python tests. `files` are paths relative to the root. */
export function findSuites(packages: readonly Package[], files: readonly string[]): Suite[] {
	const suites = packages.flatMap(({ name, directory }): Suite[] => {
		const own = files.filter((path) => inside(path, directory) && path.endsWith('.test.ts')).map((path) => path.slice(directory.length + 1))
		const [ends, units] = [own.filter(isEndToEnd), own.filter((file) => !isEndToEnd(file))]
		const whole: Suite = { name, directory, kind: 'vitest', files: own, isWhole: true }
		// What runs whole systems mostly waits; as a suite of its own it waits beside the others.
		if (ends.length === 0 || units.length === 0) return [whole]
		return [{ ...whole, files: units, isWhole: false }, { ...whole, name: `${name} e2e`, files: ends, isWhole: false }]
	})
	const python = Map.groupBy(
		files.filter((path) => /^containers\/[^/]+\/(.*\/)?test_[^/]*\.py$/.test(path)),
		(path) => path.split('/').slice(0, 2).join('/'),
	)
	for (const [directory, paths] of python) {
		const name = directory.slice('containers/'.length)
		suites.push({ name, directory, kind: 'python', files: paths.map((path) => path.slice(directory.length + 1)), isWhole: true })
	}
	return suites
}

const isNamed = (suite: Suite, filter: string) => {
	const asked = filter.replace(/\/+$/, '')
	return suite.name === asked || suite.directory === asked || suite.name === `@shared/${asked}`
}

/** The suites that the selection leaves. A filter that names a package takes all of it, any other is part of a file path. */
export function selectSuites(suites: readonly Suite[], { filters, isUnitOnly }: Selection): Suite[] {
	return suites.flatMap((suite) => {
		const isAsked = (file: string) =>
			filters.length === 0 || filters.some((filter) => isNamed(suite, filter) || (!suites.some((other) => isNamed(other, filter)) && `${suite.directory}/${file}`.includes(filter)))
		const files = suite.files.filter((file) => isAsked(file) && !(isUnitOnly && isEndToEnd(file)))
		const isEmptyByItself = suite.files.length === 0 && (filters.length === 0 || filters.some((filter) => isNamed(suite, filter)))
		if (files.length === 0 && !isEmptyByItself) return []
		return [{ ...suite, files, isWhole: suite.isWhole && files.length === suite.files.length }]
	})
}
