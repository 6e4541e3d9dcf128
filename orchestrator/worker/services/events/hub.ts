import type { EventHubPort } from './events.ts'

/** The one hub of all live sockets. */
export const hubOf = ({ EVENT_HUB }: { EVENT_HUB: { getByName(name: string): EventHubPort } }): EventHubPort => EVENT_HUB.getByName('hub')
