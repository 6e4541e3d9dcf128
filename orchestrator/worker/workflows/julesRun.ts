import type { WorkflowStep } from 'cloudflare:workers'
import type { Failure } from '@shared/contracts'
import type { JulesHandler } from '../services/ai-providers/jules/julesHandler.ts'
import { toFailure } from '../services/executions/failures.ts'
import type { DurableRun } from './durableRun.ts'
import { Failed, holds } from './durableRun.ts'
import { TASK_SETTLED } from './events.ts'

interface JulesRun {
	executionId: string
	jules: JulesHandler
	take: DurableRun['take']
	step: WorkflowStep
}

/** A step for each look and one for each wait: days of a session, and well below what an instance may have. */
const MAX_LOOKS = 4000
const MAX_ROUNDS = 500

/** What an agent run is for a CLI: ends with the patch set of the execution, or fails the run. A decision, a cancel and the webhook wake it. */
export async function julesRun({ executionId, jules, take, step }: JulesRun): Promise<void> {
	const pause = (name: string, ms: number) => step.waitForEvent(name, { type: TASK_SETTLED, timeout: Math.ceil(ms) }).catch(() => undefined)
	const failure = await watched().catch((error: unknown) => (error instanceof Failed ? error.failure : toFailure(error)))
	holds(await take('collect patch set', () => jules.collect(executionId, failure)))

	async function watched(): Promise<Failure | null> {
		for (let round = 0; round < MAX_ROUNDS; round++) {
			const start = await take(round === 0 ? 'dispatch' : `dispatch ${round}`, () => jules.start(executionId))
			if (start.state === 'failed') return start.failure
			if (start.state === 'started') return looked()
			await pause(`room: wait ${round}`, start.waitMs)
		}
		return { code: 'PROVIDER_RATE_LIMITED', message: `The plan of Jules had no room ${MAX_ROUNDS} times.` }
	}

	async function looked(): Promise<Failure | null> {
		for (let count = 0; count < MAX_LOOKS; count++) {
			const look = await take(`agent: look ${count}`, () => jules.look(executionId))
			if (look.state === 'failed') return look.failure
			if (look.state === 'done') return null
			await pause(`agent: wait ${count}`, look.waitMs)
		}
		return { code: 'AGENT_TIMEOUT', message: `Jules was looked at ${MAX_LOOKS} times without an end.` }
	}
}
