import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { PRICE_SOURCE } from './pricing.ts'

it('names the version of the price table that is installed', () => {
	const entry = createRequire(import.meta.url).resolve(PRICE_SOURCE.name)
	const manifest: unknown = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8'))
	expect(manifest).toMatchObject(PRICE_SOURCE)
})
