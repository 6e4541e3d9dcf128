import { CircuitState, ProviderName, SecretMode } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Expression, ExpressionBuilder, Selectable, SqlBool } from 'kysely'
import type { CircuitRecord } from '../../services/ai-providers/circuitBreaker.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** What an operator changed about a provider, and how well it is. */
export interface ProviderConfig {
	provider: ProviderName
	/** Instead of the deployment's base URL. */
	baseURL: string | null
	defaultModel: string | null
	isEnabled: boolean
	mode: SecretMode | null
	health: CircuitRecord
	lastError: { code: string; message: string; at: number } | null
}

function toConfig(row: Selectable<Schema['ai_provider_configs']>): ProviderConfig {
	const { last_error_code: code, last_error_message: message, last_error_at: at } = row
	return {
		provider: ProviderName.parse(row.provider_name),
		baseURL: row.api_endpoint,
		defaultModel: row.default_model,
		isEnabled: row.enabled === 1,
		mode: SecretMode.nullable().parse(row.mode),
		health: { circuit: CircuitState.parse(row.circuit), consecutiveFailures: row.consecutive_failures, parkedUntil: row.parked_until },
		lastError: code === null ? null : { code, message: message ?? '', at: at ?? 0 },
	}
}

/** One row a provider that differs from the defaults; a handful. */
export async function readProviderConfigs(db: Database): Promise<Map<ProviderName, ProviderConfig>> {
	const rows = await db.all(sql.selectFrom('ai_provider_configs').selectAll())
	return new Map(rows.map((row) => [ProviderName.parse(row.provider_name), toConfig(row)]))
}

export async function readProviderConfig(db: Database, provider: ProviderName): Promise<ProviderConfig | undefined> {
	const row = await db.first(sql.selectFrom('ai_provider_configs').selectAll().where('provider_name', '=', provider))
	return row && toConfig(row)
}

/** A change of health from one record to the next; it happens only while the stored record still is `from`. */
export interface HealthChange {
	provider: ProviderName
	from: CircuitRecord
	to: CircuitRecord
	lastError?: { code: string; message: string } | undefined
	workerName: string
	at: number
}

const isStill = (change: HealthChange) => (where: ExpressionBuilder<Schema, 'ai_provider_configs'>): Expression<SqlBool> =>
	where.and([
		where('provider_name', '=', change.provider),
		where('circuit', '=', change.from.circuit),
		where('consecutive_failures', '=', change.from.consecutiveFailures),
		where('parked_until', 'is', change.from.parkedUntil),
	])

function logChange(change: HealthChange): Statement {
	const { provider, from, to, lastError = null } = change
	return sql
		.insertInto('operation_logs')
		.columns(['source', 'operation', 'level', 'details', 'worker_name', 'created_at', 'updated_at'])
		.expression(
			sql
				.selectFrom('ai_provider_configs')
				.select([
					raw.val('orchestrator.registry').as('source'),
					raw.val(`provider.${to.circuit}`).as('operation'),
					raw.val(to.circuit === 'closed' && to.parkedUntil === null ? 'info' : 'warn').as('level'),
					raw.val(JSON.stringify({ provider, from, to, error: lastError })).as('details'),
					raw.val(change.workerName).as('worker_name'),
					raw.val(change.at).as('created_at'),
					raw.val(change.at).as('updated_at'),
				])
				.where(isStill(change)),
		)
}

/** False when the record had changed meanwhile: read it again and decide again. */
export async function changeHealth(db: Database, change: HealthChange): Promise<boolean> {
	const { provider, from, to, lastError, at } = change
	const moved = from.circuit !== to.circuit || from.parkedUntil !== to.parkedUntil
	const results = await db.batch([
		sql
			.insertInto('ai_provider_configs')
			.values({ provider_name: provider, worker_name: change.workerName, created_at: at, updated_at: at })
			.onConflict((conflict) => conflict.doNothing()),
		...(moved ? [logChange(change)] : []),
		sql
			.updateTable('ai_provider_configs')
			.set({
				circuit: to.circuit,
				consecutive_failures: to.consecutiveFailures,
				parked_until: to.parkedUntil,
				...(lastError ? { last_error_code: lastError.code, last_error_message: lastError.message, last_error_at: at } : {}),
				updated_at: at,
			})
			.where(isStill(change))
			.returning('provider_name'),
	])
	return (results.at(-1)?.length ?? 0) > 0
}
