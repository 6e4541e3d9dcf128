import type { ContainerInstance } from '@shared/contracts'
import { sql as raw } from 'kysely'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

const COLUMNS = ['worker_name', 'instance_id', 'container_name', 'state', 'port', 'last_health_check', 'degraded', 'draining', 'generation', 'detail', 'created_at', 'updated_at'] as const
const REPLACED = COLUMNS.filter((column) => column !== 'worker_name' && column !== 'instance_id' && column !== 'created_at')

const toRow = (instance: ContainerInstance) => [
	instance.workerName,
	instance.instanceId,
	instance.containerName,
	instance.state,
	instance.port,
	instance.lastHealthCheck,
	Number(instance.isDegraded),
	Number(instance.isDraining),
	instance.generation,
	instance.detail,
	instance.createdAt,
	instance.updatedAt,
]

/** Mirrors instances as their pool sees them. A row that is newer already stays: mirrors may arrive out of order. */
export function mirrorStatement(instances: readonly ContainerInstance[]): Statement {
	// One bound text, however many there are.
	const given = sql.selectFrom(raw<{ value: string }>`json_each(${JSON.stringify(instances.map(toRow))})`.as('given'))
	return (
		sql
			.insertInto('container_instances')
			.columns([...COLUMNS])
			.expression(
				given
					.select(COLUMNS.map((column, index) => raw<never>`value ->> ${raw.lit(index)}`.as(column)))
					// Without a condition SQLite reads the "on" of the conflict as that of a join.
					.where(raw<boolean>`true`),
			)
			.onConflict((conflict) =>
				conflict
					.columns(['worker_name', 'instance_id'])
					.doUpdateSet(Object.fromEntries(REPLACED.map((column) => [column, raw`excluded.${raw.ref(column)}`])))
					.where(raw<boolean>`container_instances.updated_at <= excluded.updated_at`),
			)
	)
}

/** Whoever reads the log sees containers under this source. */
export const POOL_LOG_SOURCE = 'orchestrator.containers'

/** One line in the log for each instance whose state is another than the mirror has. Goes before `mirrorStatement`, in one batch with it. */
export function logChangesStatement(instances: readonly ContainerInstance[], at: number): Statement {
	const field = (name: (typeof COLUMNS)[number]) => raw`given.value ->> ${raw.lit(COLUMNS.indexOf(name))}`
	const isOther = raw.join((['state', 'degraded', 'draining', 'generation'] as const).map((name) => raw`known.${raw.ref(name)} <> ${field(name)}`), raw` or `)
	return sql
		.insertInto('operation_logs')
		.columns(['source', 'operation', 'level', 'details', 'worker_name', 'container_name', 'created_at', 'updated_at'])
		.expression(
			sql
				.selectFrom(raw<{ value: string }>`json_each(${JSON.stringify(instances.map(toRow))})`.as('given'))
				.leftJoin('container_instances as known', (join) => join.on(raw<boolean>`known.worker_name = ${field('worker_name')} and known.instance_id = ${field('instance_id')}`))
				.where(raw<boolean>`known.id is null or (known.updated_at <= ${field('updated_at')} and (${isOther}))`)
				.select([
					raw<string>`${POOL_LOG_SOURCE}`.as('source'),
					raw<string>`'container.' || iif(${field('draining')} = 1, 'draining', ${field('state')})`.as('operation'),
					raw<string>`iif(${field('state')} in ('failed', 'unhealthy'), 'warn', 'info')`.as('level'),
					raw<string>`json_object('instanceId', ${field('instance_id')}, 'from', known.state, 'state', ${field('state')}, 'isDegraded', json(iif(${field('degraded')} = 1, 'true', 'false')), 'generation', ${field('generation')}, 'detail', ${field('detail')})`.as('details'),
					raw<string>`${field('worker_name')}`.as('worker_name'),
					raw<string>`${field('instance_id')}`.as('container_name'),
					raw<number>`${at}`.as('created_at'),
					raw<number>`${at}`.as('updated_at'),
				]),
		)
}

/** Forgets stopped instances of a pool that nothing was heard of since `before`: runners come under ever new names. */
export const forgetStoppedStatement = (workerName: string, before: number): Statement =>
	sql.deleteFrom('container_instances').where('worker_name', '=', workerName).where('state', '=', 'stopped').where('updated_at', '<', before)

/** Instances of one pool or of all, by pool and name; `after` is the last one of the page before. */
export interface InstancePage {
	workerName?: string | undefined
	after?: readonly [workerName: string, instanceId: string] | undefined
	limit: number
}

export function instancesQuery({ workerName, after, limit }: InstancePage) {
	let query = sql.selectFrom('container_instances').selectAll().orderBy('worker_name').orderBy('instance_id').limit(limit)
	if (workerName !== undefined) query = query.where('worker_name', '=', workerName)
	if (after !== undefined) query = query.where(raw<boolean>`(worker_name, instance_id) > (${after[0]}, ${after[1]})`)
	return query
}

/** What the mirror does not have changes too often to be written down. */
export type MirroredInstance = Omit<ContainerInstance, 'inFlight' | 'isExternal'>

export async function listInstances(db: Database, page: InstancePage): Promise<MirroredInstance[]> {
	const rows = await db.all(instancesQuery(page))
	return rows.map((row) => ({
		workerName: row.worker_name,
		instanceId: row.instance_id,
		containerName: row.container_name ?? '',
		state: row.state as ContainerInstance['state'],
		isDegraded: row.degraded === 1,
		isDraining: row.draining === 1,
		port: row.port,
		generation: row.generation,
		lastHealthCheck: row.last_health_check,
		detail: row.detail,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	}))
}
