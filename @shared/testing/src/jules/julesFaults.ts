import type { FakeCall, FakeWorld } from './methods.ts'
import type { JulesFault, JulesScenario } from './scenario.ts'

export interface Faults {
	add(fault: JulesFault): void
	/** The fault to play for this call, counted as played; undefined when there is none or all are used up. */
	take(call: FakeCall): JulesFault | undefined
}

/** Faults of the server, of the scenario of the session that a call is about, and of the one that a new session would play. */
export function createFaults(world: Pick<FakeWorld, 'sessions' | 'book'>): Faults {
	const ofServer: JulesFault[] = []
	const played = new Map<object, number>()

	const scenarioOf = ({ method, params: [id = ''], body }: FakeCall): JulesScenario | undefined => {
		if (method !== 'sessions.create') return world.sessions.get(id)?.scenario
		const prompt: unknown = Object(body)['prompt']
		return typeof prompt === 'string' ? world.book.find(prompt) : undefined
	}
	const ofScenario = (call: FakeCall): { key: object; fault: JulesFault }[] => {
		const scenario = scenarioOf(call)
		if (!scenario) return []
		const own = scenario.fault ? [{ key: scenario.fault, fault: { ...scenario.fault, on: 'sessions.create' as const, isApplied: false } }] : []
		return [...own, ...scenario.jules.faults.map((fault) => ({ key: fault, fault }))]
	}
	return {
		add: (fault) => ofServer.push(fault),
		take(call) {
			for (const { key, fault } of [...ofServer.map((one) => ({ key: one, fault: one })), ...ofScenario(call)]) {
				const count = (played.get(key) ?? 0) + 1
				if (fault.on !== call.method || (fault.times !== undefined && count > fault.times)) continue
				played.set(key, count)
				return fault
			}
			return undefined
		},
	}
}
