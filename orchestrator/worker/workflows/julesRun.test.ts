import type { WorkflowStep } from 'cloudflare:workers'
import type { Failure } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import type { JulesHandler } from '../services/ai-providers/jules/julesHandler.ts'
import type { JulesLook } from '../services/ai-providers/jules/julesLook.ts'
import type { JulesStart } from '../services/ai-providers/jules/julesStart.ts'
import { Failed } from './durableRun.ts'
import { julesRun } from './julesRun.ts'

const BROKEN = { code: 'PROVIDER_ERROR', message: 'down' }

/** Plays these answers one after the other; an Error is thrown, as a step does that found a failure. */
async function play({ starts = [{ state: 'started' }], looks = [{ state: 'done' }] }: { starts?: (JulesStart | Error)[]; looks?: (JulesLook | Error)[] }) {
	const steps: string[] = []
	const next = <T>(answers: (T | Error)[]) => {
		const answer = answers.shift() ?? expect.unreachable('asked once too often')
		if (answer instanceof Error) throw answer
		return answer as T
	}
	const collected: (Failure | null)[] = []
	const jules: JulesHandler = {
		start: async () => next(starts),
		look: async () => next(looks),
		async collect(_executionId, failure) {
			collected.push(failure)
			return failure
		},
	}
	const take = async <Value>(name: string, work: () => Promise<Value>) => {
		steps.push(name)
		return work()
	}
	// Every other wait is ended by a nudge, the rest by their time.
	const step = {
		async waitForEvent(name: string, { timeout }: { timeout: number }) {
			steps.push(`${name} ${timeout}`)
			if (steps.length % 2 === 0) throw new Error('timed out')
		},
	} as unknown as WorkflowStep
	const end = await julesRun({ executionId: 'EXE-1', jules, take, step }).then(() => 'landed', (error: unknown) => (error instanceof Failed ? error.failure.code : error))
	return { steps, collected, end }
}

describe('the run of Jules', () => {
	it('starts, looks until there is a result, and collects it', async () => {
		expect(await play({ looks: [{ state: 'waits', waitMs: 60_000 }, { state: 'waits', waitMs: 90_000.5 }, { state: 'done' }] })).toEqual({
			steps: ['dispatch', 'agent: look 0', 'agent: wait 0 60000', 'agent: look 1', 'agent: wait 1 90001', 'agent: look 2', 'collect patch set'],
			collected: [null],
			end: 'landed',
		})
	})

	it('is parked until there is room', async () => {
		const { steps, end } = await play({ starts: [{ state: 'waits', waitMs: 86_400_000 }, { state: 'started' }] })
		expect(steps).toEqual(['dispatch', 'room: wait 0 86400000', 'dispatch 1', 'agent: look 0', 'collect patch set'])
		expect(end).toBe('landed')
	})

	it.each([
		['the start', { starts: [{ state: 'failed' as const, failure: BROKEN }] }],
		['a look', { looks: [{ state: 'failed' as const, failure: BROKEN }] }],
		['a step of the start', { starts: [new Failed(BROKEN)] }],
		['a step of a look', { looks: [new Failed(BROKEN)] }],
	])('collects what there is when %s fails, and fails with the same reason', async (_name, answers) => {
		const { collected, end } = await play(answers)
		expect(collected).toEqual([BROKEN])
		expect(end).toBe('PROVIDER_ERROR')
	})

	it('ends, however long a session lives', async () => {
		const { collected, end } = await play({ looks: Array.from({ length: 4001 }, () => ({ state: 'waits', waitMs: 1 })) })
		expect(collected).toMatchObject([{ code: 'AGENT_TIMEOUT' }])
		expect(end).toBe('AGENT_TIMEOUT')
		expect((await play({ starts: Array.from({ length: 501 }, () => ({ state: 'waits', waitMs: 1 })) })).end).toBe('PROVIDER_RATE_LIMITED')
	})
})
