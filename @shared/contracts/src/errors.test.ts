import { describe, expect, it } from 'vitest'
import { AppError, ERRORS, isAppError, recogniseError, toErrorBody } from './errors.ts'

describe('errors', () => {
	it('knows an AppError by its code, whatever class it arrives as', () => {
		expect(isAppError(new AppError('TASK_NOT_FOUND', 'gone'))).toBe(true)
		expect(isAppError(Object.assign(new Error('gone'), { name: 'AppError TASK_NOT_FOUND', code: 'TASK_NOT_FOUND' }))).toBe(true)
		expect(isAppError(Object.assign(new Error('from the platform'), { name: 'ArtifactsError', code: 'NOT_FOUND' }))).toBe(false)
		expect(isAppError(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe(false)
		expect(isAppError({ code: 'TASK_NOT_FOUND' })).toBe(false)
	})
	it('recognises what arrives from another process, where only the text survives', () => {
		const sent = new AppError('ORDER_NOT_FOUND', 'There is no order X:\nreally')
		const arrived = recogniseError(new Error(`${sent.name}: ${sent.message}`))
		expect(arrived).toMatchObject({ code: 'ORDER_NOT_FOUND', message: sent.message, retryable: false })
		for (const other of [new Error('AppError NONSENSE: x'), new Error('boom'), 'text', undefined]) expect(recogniseError(other)).toBe(other)
	})
	it('shows nothing of an error that nobody named', () => {
		expect(JSON.stringify(toErrorBody(new Error('secret inside')))).not.toContain('secret inside')
		expect(toErrorBody(new AppError('PATCH_STALE', 'moved', { branch: 'b' }))).toEqual({ code: 'PATCH_STALE', message: 'moved', retryable: false, details: { branch: 'b' } })
	})
	it('gives every code a status of an error', () => {
		for (const spec of Object.values(ERRORS)) expect(spec.status).toBeGreaterThanOrEqual(400)
	})
})
