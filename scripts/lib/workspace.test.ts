import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listPackages } from './workspace.ts'

let root = ''
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'vibehq-workspace-'))
	writeFileSync(join(root, 'pnpm-workspace.yaml'), 'packages:\n  - "@shared/*"\n  - "orchestrator"\n  - "absent/*"\n')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function add(directory: string, manifest: object) {
	mkdirSync(join(root, directory), { recursive: true })
	writeFileSync(join(root, directory, 'package.json'), JSON.stringify(manifest))
}

describe('listPackages', () => {
	it('puts dependencies first and skips folders that are no package', () => {
		add('orchestrator', { name: 'orchestrator', dependencies: { '@shared/zeta': 'workspace:*', zod: '1' } })
		add('@shared/alpha', { name: '@shared/alpha', devDependencies: { '@shared/zeta': 'workspace:*' } })
		add('@shared/zeta', { name: '@shared/zeta' })
		mkdirSync(join(root, '@shared', 'notes'))
		expect(listPackages(root).map(({ directory }) => directory)).toEqual(['@shared/zeta', '@shared/alpha', 'orchestrator'])
	})

	it('ends on packages that depend on each other', () => {
		add('@shared/a', { name: '@shared/a', dependencies: { '@shared/b': 'workspace:*' } })
		add('@shared/b', { name: '@shared/b', devDependencies: { '@shared/a': 'workspace:*' } })
		expect(listPackages(root)).toHaveLength(2)
	})
})
