/** What a caller may do about a failure: the HTTP status it travels with and whether the same call can succeed later. */
export interface ErrorSpec {
	status: 400 | 401 | 402 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 502 | 503 | 504
	retryable: boolean
}

/** Every failure the system names. `docs/ERRORS.md` has an anchor per code. */
export const ERRORS = {
	// Doors
	INVALID_INPUT: { status: 400, retryable: false },
	INVALID_JSON: { status: 400, retryable: false },
	PAYLOAD_TOO_LARGE: { status: 413, retryable: false },
	UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
	NOT_FOUND: { status: 404, retryable: false },
	METHOD_NOT_ALLOWED: { status: 405, retryable: false },
	UNAUTHENTICATED: { status: 401, retryable: false },
	TOKEN_EXPIRED: { status: 401, retryable: false },
	FORBIDDEN: { status: 403, retryable: false },
	IDEMPOTENCY_CONFLICT: { status: 409, retryable: false },
	RATE_LIMITED: { status: 429, retryable: true },
	INTERNAL: { status: 500, retryable: true },
	UNAVAILABLE: { status: 503, retryable: true },
	NOT_CONFIGURED: { status: 503, retryable: false },
	// Orders, tasks, executions
	ORDER_NOT_FOUND: { status: 404, retryable: false },
	TASK_NOT_FOUND: { status: 404, retryable: false },
	TASK_BUSY: { status: 409, retryable: true },
	EXECUTION_NOT_FOUND: { status: 404, retryable: false },
	EXECUTION_NOT_ACTIVE: { status: 409, retryable: false },
	EXECUTION_CANCELLED: { status: 409, retryable: false },
	// Routing and providers
	PROVIDER_UNKNOWN: { status: 404, retryable: false },
	PROVIDER_UNAVAILABLE: { status: 503, retryable: true },
	PROVIDER_NOT_ELIGIBLE: { status: 422, retryable: false },
	NO_PROVIDER_AVAILABLE: { status: 503, retryable: true },
	PROVIDER_AUTH_FAILED: { status: 502, retryable: false },
	PROVIDER_RATE_LIMITED: { status: 429, retryable: true },
	PROVIDER_ERROR: { status: 502, retryable: true },
	PROVIDER_REFUSED: { status: 422, retryable: false },
	PROVIDER_UNREACHABLE: { status: 502, retryable: true },
	PROVIDER_OUTPUT_INVALID: { status: 502, retryable: true },
	// Agent runs
	AGENT_TIMEOUT: { status: 504, retryable: true },
	AGENT_STALLED: { status: 504, retryable: true },
	AGENT_FAILED: { status: 502, retryable: true },
	NO_CHANGES: { status: 422, retryable: true },
	RUNNER_LOST: { status: 504, retryable: true },
	RUNNER_DISK_FULL: { status: 503, retryable: true },
	ISOLATION_UNAVAILABLE: { status: 503, retryable: false },
	// Container tasks and leases
	CONTAINER_TASK_NOT_FOUND: { status: 404, retryable: false },
	CONTAINER_TASK_CLOSED: { status: 409, retryable: false },
	CONTAINER_TASK_INVALID: { status: 422, retryable: false },
	TERMINAL_UNAVAILABLE: { status: 409, retryable: false },
	HOST_NOT_ALLOWED: { status: 403, retryable: false },
	HOST_UNREACHABLE: { status: 502, retryable: true },
	LEASE_REQUIRED: { status: 409, retryable: false },
	LEASE_LOST: { status: 409, retryable: false },
	// Patches and landing
	PATCH_INVALID: { status: 422, retryable: false },
	PATCH_BASE_REQUIRED: { status: 422, retryable: false },
	PATCH_CORRUPT: { status: 422, retryable: false },
	PATCH_STALE: { status: 409, retryable: false },
	PATCH_CONFLICT: { status: 409, retryable: false },
	PATCH_POLICY: { status: 422, retryable: false },
	PATCH_BINARY_UNSUPPORTED: { status: 422, retryable: false },
	PATCH_FILE_UNSUPPORTED: { status: 422, retryable: false },
	PATCH_TOO_LARGE: { status: 413, retryable: false },
	PATCH_NOT_FOUND: { status: 404, retryable: false },
	PATCH_ENGINES_DISAGREE: { status: 500, retryable: false },
	PATCH_REJECTED: { status: 422, retryable: false },
	PATCH_BATCH_NOT_FOUND: { status: 404, retryable: false },
	HUMAN_REQUEST_NOT_FOUND: { status: 404, retryable: false },
	HUMAN_REQUEST_CLOSED: { status: 409, retryable: false },
	HUMAN_REJECTED: { status: 422, retryable: false },
	VALIDATION_FAILED: { status: 422, retryable: false },
	// Workspaces and git
	WORKSPACE_NOT_FOUND: { status: 404, retryable: false },
	WORKSPACE_IMPORT_FAILED: { status: 502, retryable: true },
	WORKSPACE_UNSUPPORTED: { status: 422, retryable: false },
	GIT_READ_ONLY: { status: 403, retryable: false },
	GIT_UPSTREAM: { status: 502, retryable: true },
	// Model gateway
	BUDGET_EXCEEDED: { status: 402, retryable: false },
	MODEL_UNPRICED: { status: 402, retryable: false },
	GATEWAY_UPSTREAM: { status: 502, retryable: true },
	GATEWAY_TIMEOUT: { status: 504, retryable: true },
	SECRET_MISSING: { status: 503, retryable: false },
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof ERRORS

/** A failure that a person or a caller can act on. Over RPC and HTTP only these fields travel. */
export interface ErrorBody {
	code: ErrorCode
	message: string
	retryable: boolean
	details?: Record<string, unknown>
}

/** Thrown by services. Its message says what was wrong, where, and what to do; it never holds a secret. */
export class AppError extends Error {
	readonly code: ErrorCode
	readonly retryable: boolean
	readonly details: Record<string, unknown> | undefined

	constructor(code: ErrorCode, message: string, details?: Record<string, unknown>) {
		super(message)
		// Between two processes only "<name>: <message>" of an error arrives, so the name carries the code.
		this.name = `AppError ${code}`
		this.code = code
		this.retryable = ERRORS[code].retryable
		this.details = details
	}
}

export function isErrorCode(value: unknown): value is ErrorCode {
	return typeof value === 'string' && Object.hasOwn(ERRORS, value)
}

/** True for an AppError of this or another isolate: RPC keeps name and code but not the class. Platform errors have codes too, so both decide. */
export function isAppError(error: unknown): error is AppError {
	return error instanceof Error && 'code' in error && isErrorCode(error.code) && error.name === `AppError ${error.code}`
}

/** The AppError in what a service binding threw, wherever the other Worker runs; anything else comes back as it is. */
export function recogniseError(error: unknown): unknown {
	if (!(error instanceof Error) || isAppError(error)) return error
	const [, code, message] = /^AppError ([A-Z_]+): (.*)$/s.exec(error.message) ?? []
	return isErrorCode(code) ? new AppError(code, message ?? '') : error
}

/** What goes on the wire. Anything that is not an AppError becomes INTERNAL without its text, which may hold anything. */
export function toErrorBody(error: unknown): ErrorBody {
	if (!isAppError(error)) {
		return { code: 'INTERNAL', message: 'Something failed inside the orchestrator. The log has the details.', retryable: true }
	}
	const { code, message, details } = error
	return { code, message, retryable: ERRORS[code].retryable, ...(details ? { details } : {}) }
}
