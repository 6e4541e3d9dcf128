import { expect, it } from 'vitest'
import { createLogger } from './logger.ts'
import type { LogFields, LogLevel } from './logger.ts'

it('writes one redacted object a line, with the fields of its parents', () => {
	const lines: [LogLevel, LogFields][] = []
	const log = createLogger({ fields: { worker: 'w' }, write: (level, line) => lines.push([level, line]) }).with({ executionId: 'EXE-1' })
	log.debug('dropped')
	log.warn('upstream refused', { status: 401, authorization: 'Bearer abc', error: new Error('key sk-abcdefghijklmnop is wrong') })
	expect(lines).toEqual([
		[
			'warn',
			{
				worker: 'w',
				executionId: 'EXE-1',
				status: 401,
				authorization: '[redacted]',
				error: expect.objectContaining({ name: 'Error', message: 'key [redacted] is wrong' }),
				level: 'warn',
				message: 'upstream refused',
			},
		],
	])
})

it('keeps its own message and level when a field has the same name', () => {
	const lines: LogFields[] = []
	createLogger({ level: 'debug', write: (_level, line) => lines.push(line) }).debug('mine', { message: 'theirs', level: 'error' })
	expect(lines).toEqual([{ message: 'mine', level: 'debug' }])
})
