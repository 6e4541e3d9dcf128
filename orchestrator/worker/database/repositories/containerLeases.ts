import type { WorkspacePolicy } from '@shared/contracts'
import { sql as raw } from 'kysely'
import { sql } from '../client.ts'
import type { Database } from '../client.ts'
import { policyOf } from './workspaces.ts'

/** The workspaces whose work a runner holds leases for. Only the orchestrator itself writes tasks that name a workspace. */
export function policiesOfLeasesQuery({ assignedTo, at }: { assignedTo: string; at: number }) {
	const leased = raw`select json_extract(parameters, '$.workspaceId') from container_tasks indexed by container_tasks_lapse
		where status in ('assigned', 'running') and lease_expires_at > ${at} and assigned_to = ${assignedTo} and task_type in ('agent-run', 'validate')`
	return sql.selectFrom('workspaces').select('policy').where(raw<boolean>`id in (${leased})`)
}

export async function policiesOfLeases(db: Database, lease: { assignedTo: string; at: number }): Promise<WorkspacePolicy[]> {
	return (await db.all(policiesOfLeasesQuery(lease))).map(policyOf)
}
