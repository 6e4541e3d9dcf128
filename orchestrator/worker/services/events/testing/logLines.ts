import type { Database } from '../../../database/client.ts'
import { newestLineQuery } from '../../../database/repositories/eventLog.ts'
import { appendLog } from '../../../database/repositories/operationLogs.ts'
import type { LogLine } from '../../../database/repositories/operationLogs.ts'

const line = (change: Partial<LogLine> = {}): LogLine => ({ source: 'test', operation: 'execution.test', workerName: 'w', at: Date.now(), ...change })

/** Appends lines in one transaction. */
export const append = (db: Database, lines: readonly Partial<LogLine>[]) => db.batch(lines.map((each) => appendLog(line(each))))

export const newest = async (db: Database): Promise<number> => (await db.first(newestLineQuery()))?.id ?? 0
