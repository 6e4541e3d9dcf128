import { sql } from 'drizzle-orm'
import { integer, text } from 'drizzle-orm/sqlite-core'

// Times are integers in Unix ms. SQLite's CURRENT_TIMESTAMP is text and would read back as an invalid date.
const nowMs = sql`(unixepoch() * 1000)`

/** Who wrote a row, and when: on every table. */
export const origin = {
	worker_name: text().notNull(),
	container_name: text(),
	created_at: integer().notNull().default(nowMs),
	updated_at: integer().notNull().default(nowMs),
}
