import type { ContainerDriver, ProbeResult } from '../ports.ts'

interface Container {
	startedAt: number
	terms: number
	isWedged: boolean
	slowMs: number
}

/** How the platform treats what runs on it. Tests change it as they go. */
export interface Weather {
	cap: number
	bootMs: number
	/** Containers end with this exit code as soon as they have booted. */
	crashCode: number | null
	obeysTerm: boolean
	/** Names of driver calls that never answer. */
	hangs: Set<string>
	/** Names of driver calls that are carried out and never answer. */
	loses: Set<string>
	/** Names of driver calls that throw. */
	fails: Set<string>
}

/** A platform for containers that lives in memory and in the time of a test. */
export function createPlatform(now: () => number) {
	const running = new Map<string, Container>()
	const exits = new Map<string, number>()
	const calls: { call: string; name: string; at: number }[] = []
	const weather: Weather = { cap: Number.POSITIVE_INFINITY, bootMs: 2_000, crashCode: null, obeysTerm: true, hangs: new Set(), loses: new Set(), fails: new Set() }
	let peak = 0

	async function enter(call: string, name: string): Promise<void> {
		calls.push({ call, name, at: now() })
		if (weather.hangs.has(call)) await new Promise<never>(() => undefined)
		if (weather.fails.has(call)) throw new Error(`${call} is out of order`)
	}

	/** The answer of a call that was carried out, if it gets through. */
	const leave = <Result>(call: string, result: Result): Promise<Result> => (weather.loses.has(call) ? new Promise<never>(() => undefined) : Promise.resolve(result))

	/** Takes away what has crashed by now. */
	function settle(): void {
		if (weather.crashCode === null) return
		for (const [name, { startedAt }] of running) {
			if (now() - startedAt < weather.bootMs) continue
			running.delete(name)
			exits.set(name, weather.crashCode)
		}
	}

	function look(name: string): ProbeResult {
		settle()
		const container = running.get(name)
		if (!container) return { kind: 'gone', exitCode: exits.get(name) ?? null }
		if (container.isWedged || now() - container.startedAt < weather.bootMs) return { kind: 'silent', detail: 'connection timed out' }
		return { kind: 'answered', statusCode: 200, latencyMs: 5 + container.slowMs }
	}

	const driver: ContainerDriver = {
		async start({ platformName }) {
			await enter('start', platformName)
			settle()
			if (running.has(platformName)) return
			if (running.size >= weather.cap) throw new Error('There is no container instance that can be provided to this Durable Object, try again later')
			exits.delete(platformName)
			running.set(platformName, { startedAt: now(), terms: 0, isWedged: false, slowMs: 0 })
			peak = Math.max(peak, running.size)
			await leave('start', null)
		},
		async stop({ platformName }, signal) {
			await enter(signal, platformName)
			const container = running.get(platformName)
			if (container && signal === 'SIGTERM') container.terms++
			if (signal === 'SIGKILL' || (weather.obeysTerm && !container?.isWedged)) running.delete(platformName)
			return await leave(signal, signal === 'SIGKILL')
		},
		async destroy({ platformName }) {
			await enter('destroy', platformName)
			running.delete(platformName)
			await leave('destroy', null)
		},
		async probe({ platformName }) {
			await enter('probe', platformName)
			return look(platformName)
		},
		async list() {
			await enter('list', '*')
			settle()
			return [...running.keys()]
		},
	}
	return {
		driver,
		running,
		weather,
		calls,
		/** The most containers that ever ran together. */
		peak: () => peak,
		callsOf: (call: string, name?: string) => calls.filter((each) => each.call === call && (name === undefined || each.name === name)),
	}
}
