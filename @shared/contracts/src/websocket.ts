import { z } from 'zod'

/** What `/ws/tasks` and `/ws/containers` carry: a client that comes back with `?since=<cursor>` misses nothing. */
export type ServerMessage = z.infer<typeof ServerMessage>
export const ServerMessage = z.strictObject({
	type: z.enum(['snapshot', 'task', 'execution', 'container', 'log']),
	cursor: z.string(),
	at: z.int(),
	data: z.record(z.string(), z.unknown()),
})

/** Text frames of `/ws/terminal/:containerId`; binary frames are bytes of the terminal. */
export type TerminalControl = z.infer<typeof TerminalControl>
export const TerminalControl = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('resize'), cols: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) }),
	z.strictObject({ type: z.literal('exit'), exitCode: z.int().nullable() }),
])
