import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'

/**
 * A limit for statements that run often. SQLite looks at a bound `limit ?` while it plans, and so plans the whole statement again with each
 * run, which takes several times as long as running it; it does not look into a sum.
 */
export const boundLimit = (limit: number): RawBuilder<number> => raw<number>`(${limit} + 0)`
