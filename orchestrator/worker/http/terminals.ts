import { InstanceId } from '@shared/contracts'
import { z } from 'zod'
import { parse } from '../services/parse.ts'
import { requireScopes } from './auth.ts'
import { WorkerName } from './common.ts'
import { createRouter } from './router.ts'
import { readUpgrade } from './websockets.ts'

const Size = (usual: number) => z.string().regex(/^\d{1,4}$/).default(String(usual)).transform(Number).pipe(z.int().min(1).max(1000))
const TerminalQuery = z.strictObject({
	worker: WorkerName.optional(),
	/** The shell to come back to: `sessionId` of its `attached` frame. */
	session: z.uuid().optional(),
	cols: Size(80),
	rows: Size(24),
	ticket: z.string().max(100).optional(),
})

/** Terminals in containers, for operators. Frames: `TerminalControl` in the contracts; docs/CONTAINERS.md. */
export function terminalRoutes() {
	const router = createRouter()
	router.get('/ws/terminal/:containerId', async (c) => {
		const { services } = c.var
		const { query, principal, hasProtocol } = await readUpgrade(c.req.raw, services, TerminalQuery)
		requireScopes(principal, ['admin'])
		const instanceId = parse(InstanceId, c.req.param('containerId'), 'containerId')
		const { worker, session, cols, rows } = query
		const call = { workerName: worker ?? services.vars.workerName, by: `${principal.kind}:${principal.subject}` }
		return services.containers.openTerminal(call, instanceId, { sessionId: session, size: { cols, rows }, expiresAt: principal.expiresAt, hasProtocol })
	})
	return router
}
