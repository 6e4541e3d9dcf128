import { expect, it } from 'vitest'
import { createProgressBuffer } from './progressBuffer.ts'

it('keeps of what is touched only the newest list', () => {
	const buffer = createProgressBuffer(() => 7)
	buffer.add({ kind: 'touched', text: 'old' })
	buffer.add({ kind: 'message', text: 'between' })
	buffer.add({ kind: 'touched', text: 'new' })
	expect(buffer.take(10).map(({ at, text }) => [at, text])).toEqual([[7, 'between'], [7, 'new']])
})
