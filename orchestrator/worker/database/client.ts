import type { Kyselify } from 'drizzle-orm/kysely'
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { Compilable, CompiledQuery, InferResult } from 'kysely'
import type * as schema from './schema.ts'

type Tables = typeof schema
/** The schema as Kysely sees it: one key a table, plain SQLite types. */
export type Schema = { [Name in keyof Tables]: Kyselify<Tables[Name]> }

// Kysely builds and types the SQL; D1 runs it. Kysely's own driver is never used, because its transactions
// do not exist on D1: what must happen together goes through `batch`.
export const sql = new Kysely<Schema>({
	dialect: {
		createAdapter: () => new SqliteAdapter(),
		createDriver: () => new DummyDriver(),
		createIntrospector: (db) => new SqliteIntrospector(db),
		createQueryCompiler: () => new SqliteQueryCompiler(),
	},
})

/** A statement that has not run yet; repositories hand these out so that services can batch a state with its log. */
export type Statement = Compilable<unknown>

export interface Database {
	all<Q extends Compilable<unknown>>(query: Q): Promise<InferResult<Q>>
	first<Q extends Compilable<unknown>>(query: Q): Promise<InferResult<Q>[number] | undefined>
	/** Runs one write and returns how many rows it changed. */
	run(query: Statement): Promise<number>
	/** All or nothing, in order; returns the rows of each statement. */
	batch(statements: readonly Statement[]): Promise<unknown[][]>
}

/** What every statement that appends to the log starts with. */
const APPENDS = 'insert into "operation_logs"'

/** `onLogged` hears of each write that appended to the log, once it is stored, with the values of its statements: among them are the lines' operations. */
export function createDatabase(d1: D1Database, onLogged: (values: readonly unknown[]) => void = () => undefined): Database {
	const bind = ({ sql: text, parameters }: CompiledQuery<unknown>) => d1.prepare(text).bind(...parameters)
	const prepare = (query: Compilable<unknown>) => bind(query.compile())
	const written = (queries: readonly CompiledQuery<unknown>[]) => {
		const appends = queries.filter(({ sql: text }) => text.startsWith(APPENDS))
		if (appends.length > 0) onLogged(appends.flatMap(({ parameters }) => parameters))
	}
	return {
		async all<Q extends Compilable<unknown>>(query: Q) {
			const { results } = await prepare(query).all()
			return results as InferResult<Q>
		},
		async first<Q extends Compilable<unknown>>(query: Q) {
			const { results } = await prepare(query).all()
			return (results as InferResult<Q>)[0]
		},
		async run(query) {
			const compiled = query.compile()
			const { meta } = await bind(compiled).run()
			written([compiled])
			return meta.changes
		},
		async batch(statements) {
			if (statements.length === 0) return []
			const compiled = statements.map((statement) => statement.compile())
			const results = await d1.batch(compiled.map(bind))
			written(compiled)
			return results.map((result) => result.results)
		},
	}
}
