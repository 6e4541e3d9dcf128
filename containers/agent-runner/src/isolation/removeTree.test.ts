import { chmodSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeTree } from './removeTree.ts'

it('removes what nobody may write to, and nothing that a link leads to', async () => {
	const root = mkdtempSync(join(tmpdir(), 'vibehq-test-remove-'))
	mkdirSync(join(root, 'tree/cache/deep'), { recursive: true })
	mkdirSync(join(root, 'outside'))
	writeFileSync(join(root, 'tree/cache/deep/module.mod'), '')
	writeFileSync(join(root, 'outside/kept'), '')
	symlinkSync(join(root, 'outside'), join(root, 'tree/cache/deep/link'))
	chmodSync(join(root, 'tree/cache/deep'), 0o500)
	chmodSync(join(root, 'tree/cache'), 0o000)
	await removeTree(join(root, 'tree'))
	expect([existsSync(join(root, 'tree')), existsSync(join(root, 'outside/kept'))]).toEqual([false, true])
	await removeTree(root)
	await removeTree(root)
})
