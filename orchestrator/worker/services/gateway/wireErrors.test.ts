import { AppError } from '@shared/contracts'
import { expect, it } from 'vitest'
import { wireError } from './wireErrors.ts'

const MESSAGE = 'BUDGET_EXCEEDED: The budget is used up.'
const GOOGLE = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'BUDGET_EXCEEDED', domain: 'vibehq' }]

it.each([
	['responses', { error: { message: MESSAGE, type: 'invalid_request_error', param: null, code: 'BUDGET_EXCEEDED' } }],
	['chat', { error: { message: MESSAGE, type: 'invalid_request_error', param: null, code: 'BUDGET_EXCEEDED' } }],
	['messages', { type: 'error', error: { type: 'billing_error', message: MESSAGE } }],
	['gemini', { error: { code: 402, message: MESSAGE, status: 'FAILED_PRECONDITION', details: GOOGLE } }],
] as const)('speaks the error format of %s', async (wire, body) => {
	const response = wireError(wire, new AppError('BUDGET_EXCEEDED', 'The budget is used up.'))
	expect([response.status, await response.json(), response.headers.get('x-should-retry')]).toEqual([402, body, 'false'])
})

it('says when to try again', () => {
	const { headers } = wireError('chat', new AppError('RATE_LIMITED', 'later', { retryAfterS: 5 }))
	expect([headers.get('retry-after'), headers.get('x-should-retry')]).toEqual(['5', 'true'])
})
