import { ContainerTaskStatus } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { isClosed, isLeased, nextStatus } from './states.ts'
import type { TaskEvent } from './states.ts'

const events: readonly TaskEvent[] = ['claim', 'heartbeat', 'requeue', 'complete', 'fail', 'cancel', 'strand']
// Rows: states; columns: the events above. `-` is refused.
const table: Record<ContainerTaskStatus, string> = {
	pending: 'assigned - - - - failed failed',
	assigned: '- running pending completed failed assigned -',
	running: '- running pending completed failed running -',
	completed: '- - - - - - -',
	failed: '- - - - - - -',
}

describe('nextStatus', () => {
	for (const status of ContainerTaskStatus.options) {
		it.each(events.map((event, column) => ({ event, to: table[status].split(' ')[column] })))(`${status} + $event = $to`, ({ event, to }) => {
			expect(nextStatus(status, event) ?? '-').toBe(to)
		})
	}
})

it('knows leased and closed states', () => {
	expect(ContainerTaskStatus.options.filter(isLeased)).toEqual(['assigned', 'running'])
	expect(ContainerTaskStatus.options.filter(isClosed)).toEqual(['completed', 'failed'])
})
