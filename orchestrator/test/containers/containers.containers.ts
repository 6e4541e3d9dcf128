// Runners in real containers, started by the pool: what they do lands, and what befalls them costs no work.
import { describe, expect, it } from 'vitest'
import { linesOf, order, place } from '../e2e/support/stack.ts'
import { docker, dockerNames, sharedContainerStack } from './support/containerStack.ts'

const shared = sharedContainerStack({ max: 3, downCooldownMs: 1000, idleMs: 1000, upCooldownMs: 0, fastProbeIntervalMs: 300, probeIntervalMs: 1000, stuckMs: 2000, probeTimeoutMs: 1500, signOfLifeMs: 2000, backoffMs: 200, killAfterMs: 5000 })

describe('a pool of containers', () => {
	it('starts one when there is work, and what its agent wrote lands', async () => {
		expect(dockerNames()).toEqual([])
		const done = await order(shared.stack, {
			provider: 'codex',
			files: { 'a.txt': 'one\n' },
			validate: ['test "$(cat a.txt)" = two'],
			scenario: { steps: [{ shell: 'printf "two\\n" > a.txt' }, { say: 'Changed.' }] },
		})
		expect(done.execution).toMatchObject({ status: 'completed', phase: 'completed' })
		expect(dockerNames()).toHaveLength(1)
		expect(linesOf(done.log, 'queue.claimed')[0]?.details['assignedTo']).toMatch(/^vibehq-orchestrator:runner-\d+$/)
	})
})
