import type { ErrorCode } from '@shared/contracts'

const STOPPED_BY_GATEWAY = ['BUDGET_EXCEEDED', 'MODEL_UNPRICED'] as const satisfies ErrorCode[]

/** A cancel reason may start with an error code (`BUDGET_EXCEEDED: ...`); then that is why the execution ends. */
export const cancelCode = (reason: string): ErrorCode => STOPPED_BY_GATEWAY.find((code) => reason.startsWith(`${code}:`)) ?? 'EXECUTION_CANCELLED'
