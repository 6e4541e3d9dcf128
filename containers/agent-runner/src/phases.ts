/** Wall-clock per named phase, in ms; phases that overlap each count their own time. */
export interface Phases {
	measure<T>(name: string, work: () => Promise<T>): Promise<T>
	readonly ms: Record<string, number>
}

export function createPhases(now: () => number = () => performance.now()): Phases {
	const ms: Record<string, number> = {}
	return {
		ms,
		async measure(name, work) {
			const start = now()
			try {
				return await work()
			} finally {
				ms[name] = Math.round(((ms[name] ?? 0) + now() - start) * 10) / 10
			}
		},
	}
}
