// What every Worker of the system starts from. Runs in workerd only; `@shared/worker-base/token` also runs in Node.
export { BaseWorkerEntrypoint } from './BaseWorkerEntrypoint.ts'
export { bodyLimit, limitBody } from './bodyLimit.ts'
export { callerOf } from './caller.ts'
export type { Caller } from './caller.ts'
export { createLogger } from './logger.ts'
export type { Logger, LogFields, LogLevel } from './logger.ts'
export { redact } from './redact.ts'
export { securityHeaders } from './securityHeaders.ts'
