import type { ValidateOutput } from '@shared/contracts'
import type { RunDirs } from '../isolation/isolation.ts'
import { clip } from '../taskFailure.ts'
import { failureSignatures } from './failureSignatures.ts'
import type { Signatures } from './failureSignatures.ts'

/** How one command ended in one tree. */
export interface CommandRun {
	/** Null when it was stopped, killed by a signal, or never started. */
	exitCode: number | null
	durationMs: number
	timedOut: boolean
	/** The end of what it printed. */
	output: string
	/** There was more of it. */
	isCut: boolean
	dirs: RunDirs
}

export type CommandJudgement = Pick<ValidateOutput['commands'][number], 'verdict' | 'newFailures'>

const MAX_FAILURES = 200
const MAX_FAILURE_LENGTH = 500
/** What a shell makes of a signal, of a program that is not there and of one that may not be run: such an end names nothing. */
const FIRST_ABRUPT_EXIT = 126

export function hasPassed({ exitCode }: CommandRun): boolean {
	return exitCode === 0
}

/** Whether the candidate is to blame for what a command says of it. `base` is null where it was not run on the base. */
export function judgeCommand(candidate: CommandRun, base: CommandRun | null): CommandJudgement {
	if (hasPassed(candidate)) return { verdict: 'passed', newFailures: [] }
	if (base === null) return { verdict: 'inconclusive', newFailures: [] }
	const failures = failureSignatures(candidate.output, candidate.dirs)
	if (hasPassed(base)) return { verdict: 'new-failure', newFailures: listed([...failures.keys()]) }
	if (candidate.timedOut) return { verdict: base.timedOut ? 'inconclusive' : 'new-failure', newFailures: [] }
	if (base.timedOut || failures.size === 0) return { verdict: 'inconclusive', newFailures: [] }
	const news = newOnes(failures, failureSignatures(base.output, base.dirs))
	if (news.length > 0 && base.isCut) return { verdict: 'inconclusive', newFailures: [] }
	if (news.length > 0) return { verdict: 'new-failure', newFailures: listed(news) }
	// Everything that is named was there before, but not everything need be named.
	const isNamed = !candidate.isCut && (candidate.exitCode === base.exitCode || !(isAbrupt(candidate) || isAbrupt(base)))
	return { verdict: isNamed ? 'pre-existing' : 'inconclusive', newFailures: [] }
}

function isAbrupt({ exitCode }: CommandRun): boolean {
	return exitCode === null || exitCode >= FIRST_ABRUPT_EXIT
}

/** A failure that the base has, too, is new where there is more of it: two places of one file can fail with the same words. */
function newOnes(candidate: Signatures, base: Signatures): string[] {
	return [...candidate].flatMap(([signature, count]) => {
		const before = base.get(signature) ?? 0
		if (count <= before) return []
		return before === 0 ? signature : `${clip(signature, MAX_FAILURE_LENGTH - 50)} (${count} times, ${before} on the base)`
	})
}

function listed(failures: readonly string[]): string[] {
	return failures.slice(0, MAX_FAILURES).map((failure) => clip(failure, MAX_FAILURE_LENGTH))
}
