import type { ClaimRequest } from '@shared/contracts'

/** Tasks that ask the same of a runner. Null asks for nothing. */
export interface TargetClass {
	targetWorker: string | null
	targetContainer: string | null
}
export interface KindClass {
	taskType: ClaimRequest['taskTypes'][number]
	requires: string | null
}

/** Whom a task may be meant for so that this runner may take it: anybody, its container, its Worker, or its container of its Worker. */
export function targetsOf(runner: Pick<ClaimRequest, 'workerName' | 'containerName'>): TargetClass[] {
	return [null, runner.workerName].flatMap((targetWorker) => [null, runner.containerName].map((targetContainer) => ({ targetWorker, targetContainer })))
}

/** What a task may be and ask for so that this runner can do it. */
export function kindsOf(runner: Pick<ClaimRequest, 'taskTypes' | 'capabilities'>): KindClass[] {
	const wants = [null, ...new Set(runner.capabilities)]
	return [...new Set(runner.taskTypes)].flatMap((taskType) => wants.map((requires) => ({ taskType, requires })))
}
