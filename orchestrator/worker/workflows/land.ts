import type { Failure } from '@shared/contracts'
import { toFailure } from '../services/executions/failures.ts'
import type { Asked } from '../services/patch-manager/landing.ts'
import { movedTooOften } from '../services/patch-manager/patchProcessor.ts'
import type { Advanced, Candidate } from '../services/patch-manager/patchProcessor.ts'
import { Failed, holds } from './durableRun.ts'
import type { DurableRun } from './durableRun.ts'

/** What a Workflow brings along: the steps of `landing.ts`, each with the records of what it lands for. */
export interface LandingSteps {
	policy: () => Promise<Asked>
	decision: (wait: { requestId: string; lookAgainAt: number }) => Promise<{ isPending: boolean }>
	makeCandidate: () => Promise<Candidate>
	validate: (candidate: Candidate) => Promise<{ containerTaskId: string }>
	judge: (validated: { candidate: Candidate; containerTaskId: string }) => Promise<Asked & { failure: Failure | null }>
	advance: (candidate: Candidate) => Promise<Advanced>
}

export interface Landing {
	steps: LandingSteps
	run: DurableRun & { settled: (what: string, containerTaskId: string) => Promise<void>; pollMs: number }
	branch: string
	/** Stops before the branch is moved. */
	validateOnly?: boolean
}

/** How often a set follows a branch that moves while it is validated. */
const MAX_ROUNDS = 6
const LONGEST_APPROVAL_POLL_MS = 3_600_000

/**
 * Policy ► (a person) ► candidate ► validate ► advance. When the branch has moved in the meantime, what is there now is merged and validated
 * anew. Returns the candidate that landed; fails the run otherwise.
 */
export async function land({ steps, run, branch, validateOnly = false }: Landing): Promise<Candidate> {
	const { take, wait, settled, pollMs } = run
	const decided = async (what: string, { requestId }: Asked) => {
		if (requestId === null) return
		await wait({ what, firstMs: pollMs, longestMs: LONGEST_APPROVAL_POLL_MS, isDone: async (lookAgainMs) => !(await steps.decision({ requestId, lookAgainAt: Date.now() + lookAgainMs })).isPending })
	}

	await decided('approval', await take('policy', steps.policy))
	for (let round = 1; round <= MAX_ROUNDS; round++) {
		// The first round keeps the plain names: it is nearly always the only one.
		const name = (step: string) => (round === 1 ? step : `${step} ${round}`)
		const candidate = await take(name('candidate commit'), steps.makeCandidate)
		if (!candidate.isThere) {
			const { containerTaskId } = await take(name('validate'), () => steps.validate(candidate))
			await settled(name('validation'), containerTaskId)
			const { failure, ...asked } = await take(name('judge validation'), () => steps.judge({ candidate, containerTaskId }))
			holds(failure)
			await decided(name('approval of the result'), asked)
		}
		if (validateOnly) return candidate
		const advanced = await take(name('advance'), () => steps.advance(candidate))
		if (advanced.hasLanded) return candidate
	}
	throw new Failed(toFailure(movedTooOften(branch, MAX_ROUNDS)))
}
