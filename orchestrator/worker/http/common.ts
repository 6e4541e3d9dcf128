import { z } from '@hono/zod-openapi'
import type { Principal } from '@shared/contracts'
import { bodyLimit } from '@shared/worker-base'
import type { MiddlewareHandler } from 'hono'
import { authenticated } from './auth.ts'
import type { HonoEnv } from './router.ts'
import type { Origin } from '../services/origin.ts'

/** `limit` and the opaque `cursor` that every list takes. */
export const PageQuery = z.object({ limit: z.coerce.number().int().min(1).max(1000).optional(), cursor: z.string().max(200).optional() })

export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), nextCursor: z.string().nullable() })

/** A name that a token can carry; see `TokenRequest`. */
export const WorkerName = z.string().regex(/^[\w.:@~-]{1,100}$/)

/** A body that must be there, as JSON. */
export const jsonBody = <T extends z.ZodType>(schema: T) => ({ required: true, content: { 'application/json': { schema } } })

/** Who writes, from the token that was shown. */
export const originOf = (principal: Principal): Origin => ({ workerName: principal.workerName, containerName: principal.containerName })

/** For doors that create or change work: the scope, and how long their body may be. */
export const writing = (maxBytes: number): [MiddlewareHandler<HonoEnv>, MiddlewareHandler<HonoEnv>] => [authenticated('orders:write'), bodyLimit(maxBytes)]
