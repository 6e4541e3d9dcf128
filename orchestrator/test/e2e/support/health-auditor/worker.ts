import type { ContainerTaskQueueRpc } from '@shared/contracts'

interface Env {
	ORCHESTRATOR_TASK_QUEUE: Service<ContainerTaskQueueRpc & Rpc.WorkerEntrypointBranded>
}

/** What an audit finds: seven Workers, five with issues. The repair of one cannot be started, and that of another says no. */
const FLEET = [
	{ name: 'billing', repair: ['sh', '-c', 'echo repaired $0', 'billing'] },
	{ name: 'search', repair: null },
	{ name: 'mail', repair: ['sh', '-c', 'echo repaired $0; echo was slow >&2', 'mail'] },
	{ name: 'images', repair: ['no-such-program'] },
	{ name: 'login', repair: null },
	{ name: 'reports', repair: ['sh', '-c', 'echo cannot repair $0 >&2; exit 3', 'reports'] },
	{ name: 'export', repair: ['sh', '-c', 'seq 20000', 'export'] },
]

/** One repair for each Worker with an issue, and a report after all of them, however they ended. The hour names the audit. */
function planOf(hour: number) {
	const issues = FLEET.flatMap(({ name, repair }) => (repair === null ? [] : [{ name, repair }]))
	const repairs = issues.map(({ name, repair }) => ({ taskType: 'command' as const, key: name, command: repair, parameters: { worker: name }, timeoutMs: 60_000 }))
	const report = { taskType: 'command' as const, key: 'report', command: ['sh', '-c', 'echo all looked at'], dependsOn: issues.map(({ name }) => name), onDependencyFailure: 'run' as const }
	return { tasks: [report, ...repairs], idempotencyKey: `health-audit-${hour}` }
}

/** A Worker that audits on a schedule and leaves the work to containers. `GET /<hour>` answers the plan of that hour. */
export default {
	async scheduled(event, env) {
		await env.ORCHESTRATOR_TASK_QUEUE.submitPlan(planOf(event.scheduledTime))
	},
	async fetch(request, env) {
		const hour = Number(new URL(request.url).pathname.slice(1))
		if (!Number.isSafeInteger(hour) || hour <= 0) return Response.json({ ok: true })
		// Its key is known, so this submits nothing.
		return Response.json(await env.ORCHESTRATOR_TASK_QUEUE.submitPlan(planOf(hour)))
	},
} satisfies ExportedHandler<Env>
