import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'

/** Ids of tasks as a subquery: one bound text, however many there are. */
export const idList = (taskIds: readonly string[]): RawBuilder<string> => idsIn(JSON.stringify(taskIds))

/** The same of a JSON text. */
export const idsIn = (taskIds: string): RawBuilder<string> => raw<string>`(select value as task_id from json_each(${taskIds}))`
