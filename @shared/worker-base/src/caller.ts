import { AppError } from '@shared/contracts'
import { z } from 'zod'

/** Who calls over a service binding. */
export interface Caller {
	workerName: string
}

const Props = z.object({ workerName: z.string().regex(/^[\w.:-]{1,100}$/) })

/**
 * The caller as its binding's `props` name it. Bindings are configuration of the deployment, so a caller cannot choose them.
 * Throws UNAUTHENTICATED when the binding names nobody.
 */
export function callerOf(ctx: { props?: unknown }): Caller {
	const props = Props.safeParse(ctx.props)
	if (props.success) return { workerName: props.data.workerName }
	throw new AppError(
		'UNAUTHENTICATED',
		'The service binding does not say who is calling. Give it "props": { "workerName": "<name of the Worker>" } in wrangler.jsonc.',
	)
}
