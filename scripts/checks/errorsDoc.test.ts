import { describe, expect, it } from 'vitest'
import { withTable } from './errorsDoc.ts'

const errors = { NOT_FOUND: { status: 404, retryable: false }, RATE_LIMITED: { status: 429, retryable: true } } as const

describe('withTable', () => {
	it('adds the table, one row with an anchor a code', () => {
		const text = withTable('# Errors\n', errors)
		expect(text).toContain('| <a id="NOT_FOUND"></a>`NOT_FOUND` | 404 | no | (to be described) |')
		expect(text).toContain('| <a id="RATE_LIMITED"></a>`RATE_LIMITED` | 429 | yes | (to be described) |')
	})

	it('keeps prose and descriptions, mends figures, drops codes that are gone', () => {
		const first = withTable('# Errors\n', errors).replace('404 | no | (to be described)', '404 | no | Look again.') + '\nMore prose.\n'
		const second = withTable(first, { NOT_FOUND: { status: 410, retryable: true } })
		expect(second).toContain('`NOT_FOUND` | 410 | yes | Look again. |')
		expect(second).not.toContain('RATE_LIMITED')
		expect(second).toMatch(/^# Errors[\s\S]*\nMore prose\.\n$/)
	})

	it('changes nothing the second time', () => {
		const text = withTable('# Errors\n', errors)
		expect(withTable(text, errors)).toBe(text)
	})
})
