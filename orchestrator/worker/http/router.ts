import { OpenAPIHono } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'
import { AppError, ERRORS, toErrorBody } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import type { Env } from '../env.ts'
import type { Services } from '../services.ts'

/** What every handler finds in its context. `principal` is set by `authenticated`. */
export interface HonoEnv {
	Bindings: Env
	Variables: { services: Services; principal: Principal }
}

/** The error answer that every route documents. */
export const ErrorAnswer = z
	.object({ error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean(), details: z.record(z.string(), z.unknown()).optional() }) })
	.openapi('Error')

/** OpenAPI `responses` of a JSON route: its own answer, and the one error shape. */
export function answers<T extends z.ZodType>(status: 200 | 201 | 202, schema: T, description: string) {
	return {
		[status]: { content: { 'application/json': { schema } }, description },
		default: { content: { 'application/json': { schema: ErrorAnswer } }, description: 'What was wrong, and whether the same call can succeed later' },
	}
}

/** A router whose validation failures and thrown errors all leave as the one error shape. */
export function createRouter() {
	return new OpenAPIHono<HonoEnv>({
		defaultHook: (result) => {
			if (result.success) return
			const issues = result.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
			const first = issues[0]
			throw new AppError('INVALID_INPUT', `The ${result.target} is not valid: ${first?.path || '(whole)'}: ${first?.message ?? ''}`, { issues })
		},
	})
}

/** What hono itself refuses has a status and no code of ours: a body that is no JSON, or none at all. */
function named(error: unknown): unknown {
	if (!(error instanceof HTTPException) || error.status >= 500) return error
	if (error.status === 415) return new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.')
	return new AppError('INVALID_JSON', `The request cannot be read: ${error.message}.`)
}

/** Turns anything thrown into the error answer. What is not an AppError is logged here and not shown. */
export function errorResponse(thrown: unknown): Response {
	const error = named(thrown)
	const body = toErrorBody(error)
	if (body.code === 'INTERNAL') console.error({ message: 'unexpected error', error: error instanceof Error ? error.stack : String(error) })
	return Response.json({ error: body }, { status: ERRORS[body.code].status })
}
