import { createTaskRoutes } from '@shared/container-task-queue/routes'
import { bodyLimit } from '@shared/worker-base'
import { checkOutsideTask } from '../services/container-tasks/outside.ts'
import { authenticated } from './auth.ts'
import { createRouter } from './router.ts'

/** A request without a body, or one that may not be long. */
const SMALL_BODY_BYTES = 256 * 1024

/** The routes of the container task queue, behind this Worker's tokens. */
export function taskRoutes() {
	return createTaskRoutes({
		router: createRouter(),
		guard: (scope, maxBodyBytes = SMALL_BODY_BYTES) => [authenticated(scope), bodyLimit(maxBodyBytes)],
		queueOf: (c) => c.var.services.queue,
		principalOf: (c) => c.get('principal'),
		check: checkOutsideTask,
	})
}
