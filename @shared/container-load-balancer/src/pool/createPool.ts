import { AppError } from '@shared/contracts'
import { advance } from '../instance/machine.ts'
import { planPool } from '../plan/planPool.ts'
import { refOf } from '../ports.ts'
import { healthWithoutProbe, toContainerInstance, toPoolStatus } from '../view.ts'
import { isProbed } from '../plan/checks.ts'
import { beat, RunnerHeartbeat, ExternalRunner, join } from './external.ts'
import { inParallel } from './inParallel.ts'
import { createMemory } from './memory.ts'
import { errorText } from './outcomes.ts'
import { createPerformer, within } from './perform.ts'
import { createReporter } from './reporter.ts'
import type { ContainerHealth, ContainerInstance, PoolStatus } from '@shared/contracts'
import type { z } from 'zod'
import type { Rules } from '../instance/failure.ts'
import type { Action } from '../plan/draft.ts'
import type { Plan } from '../plan/planPool.ts'
import type { ContainerDriver, PoolLoad, PoolStore } from '../ports.ts'
import type { PoolSettings } from '../settings.ts'
import type { InstanceRecord, PoolState } from '../state.ts'
import type { Timer } from './perform.ts'
import type { PoolLog } from './reporter.ts'

export interface PoolDeps {
	driver: ContainerDriver
	store: PoolStore
	/** How much there is to do now. While it fails, the last answer counts. */
	load: () => Promise<PoolLoad>
	now: () => number
	random: () => number
	timer: Timer
	settings: PoolSettings
	log: PoolLog
}

// An action can allow the next at once (destroyed, so start again). What goes on longer, or slowly, waits for the next tick.
const MAX_ROUNDS = 5
const SLOW_MS = 1_000
// Ticks closer together would save a large pool again and again for one probe each.
const REST_MS = 250

/** A pool of containers: the rules of this package, applied through a driver. There is one pool object per pool at a time. */
export function createPool({ driver, store, load, now, random, timer, settings, log }: PoolDeps) {
	const memory = createMemory(store)
	const reporter = createReporter({ store, settings, log })
	const { perform, probe } = createPerformer({ driver, timer, now, settings, warn: log.warn })
	const rules = (): Rules => ({ settings, now: now(), random })

	async function currentLoad(): Promise<PoolLoad> {
		try {
			return await within(load(), timer, settings.callTimeoutMs)
		} catch (error) {
			log.warn('The pool could not ask how much there is to do and goes on with what it knows.', { error: errorText(error) })
			return lastLoad(memory.current())
		}
	}

	/** A store of records that hangs must not hold up the pool. */
	async function report(): Promise<void> {
		const reported = within(reporter.report(memory.current(), now()), timer, settings.callTimeoutMs)
		await reported.catch((error: unknown) => log.warn('The report of the pool did not end in time.', { error: errorText(error) }))
	}

	/** Plans, and saves the plan before anything of it is done. */
	async function nextPlan(work: PoolLoad): Promise<Plan> {
		const plan = planPool(memory.current(), work, rules())
		memory.change(() => plan.state)
		await memory.save()
		return plan
	}

	async function act(actions: readonly Action[]): Promise<void> {
		await inParallel(actions, settings.parallelCalls, async (action) => {
			const { outcome, check } = await perform(action)
			memory.change((state) => outcome(state, rules()))
			if (check) reporter.note(check)
		})
	}

	/**
	 * Does what is due and says when to call again; null: only when something happens. Any failure leaves a saved state from which the
	 * next tick goes on. Ticks may overlap.
	 */
	async function tick(): Promise<{ nextWakeAt: number | null }> {
		await memory.open()
		const work = await currentLoad()
		const since = now()
		let wakeAt: number | null = null
		for (let round = 1; ; round++) {
			const plan = await nextPlan(work)
			wakeAt = plan.nextWakeAt
			if (plan.actions.length === 0) break
			await act(plan.actions)
			// The next round may start it again, and then nobody would read why it had failed.
			if (memory.current().instances.some(({ state }) => state === 'failed')) await report()
			if (round < MAX_ROUNDS && now() - since < SLOW_MS) continue
			wakeAt = now()
			break
		}
		await memory.save()
		await report()
		return { nextWakeAt: wakeAt === null ? null : Math.max(wakeAt, now() + REST_MS) }
	}

	function find(instanceId: string): InstanceRecord {
		const found = memory.current().instances.find((each) => each.instanceId === instanceId)
		if (found) return found
		throw new AppError('NOT_FOUND', `The pool of ${settings.workerName} has no instance ${instanceId}. Its status names those it has.`, { instanceId })
	}

	/** Changes one instance and saves; the next tick acts on it. */
	async function alter(instanceId: string, apply: (instance: InstanceRecord, at: number) => InstanceRecord): Promise<ContainerInstance> {
		await memory.open()
		const next = apply(find(instanceId), now())
		memory.change((state) => ({ ...state, instances: state.instances.map((each) => (each.instanceId === instanceId ? next : each)) }))
		await memory.save()
		return toContainerInstance(next, settings)
	}

	return {
		tick,

		async status(): Promise<PoolStatus> {
			await memory.open()
			return toPoolStatus(memory.current(), settings, now())
		},

		/** Sets the size by hand until null gives it back to the work. Throws INVALID_INPUT above the maximum. Call `tick` afterwards. */
		async scale(instances: number | null): Promise<PoolStatus> {
			if (instances !== null && !(Number.isInteger(instances) && instances >= 0 && instances <= settings.max)) {
				throw new AppError('INVALID_INPUT', `A pool of ${settings.workerName} has 0 to ${settings.max} instances, not ${instances}.`, { max: settings.max })
			}
			await memory.open()
			memory.change((state) => ({ ...state, manualTarget: instances, target: instances ?? state.target, lowSince: null }))
			await memory.save()
			return toPoolStatus(memory.current(), settings, now())
		},

		/** Lets its work end first unless it is ill or `force` is set. It comes back under the next generation. Call `tick` afterwards. */
		restart: (instanceId: string, { force = false }: { force?: boolean } = {}): Promise<ContainerInstance> =>
			alter(instanceId, (instance, at) => restarted(instance, { at, force })),

		/** Takes it out of service once its work is done; the pool replaces it if it is needed. Call `tick` afterwards. */
		drain: (instanceId: string): Promise<ContainerInstance> =>
			alter(instanceId, (instance, at) => (isAtWork(instance) ? advance(instance, { type: 'drain', at, thenRestart: false, detail: 'drained by hand' }) : instance)),

		/**
		 * Probes it now, and changes nothing: whoever may only look cannot make an instance fall. What does not run is not probed, since
		 * on some platforms that would start it.
		 */
		async healthCheck(instanceId: string): Promise<ContainerHealth> {
			await memory.open()
			const instance = find(instanceId)
			return isProbed(instance) ? (await probe(refOf(instance))).check : healthWithoutProbe(instance, now())
		},

		/** What the platform calls an instance that runs. Throws NOT_FOUND, INVALID_INPUT when there is nothing of the platform's to call. */
		async platformNameOf(instanceId: string): Promise<string> {
			await memory.open()
			const instance = find(instanceId)
			if (isProbed(instance)) return instance.platformName
			throw new AppError('INVALID_INPUT', `${instanceId} does not run, or is a runner that started itself.`, { instanceId })
		},

		async registerExternal(runner: z.input<typeof ExternalRunner>): Promise<ContainerInstance> {
			const parsed = parse(ExternalRunner, runner)
			await memory.open()
			memory.change((state) => join(state, parsed, now()))
			await memory.save()
			return toContainerInstance(find(parsed.instanceId), settings)
		},

		/**
		 * A sign of life of a runner, its own or of the pool. Answers whether it is to end after the work it has. Throws NOT_FOUND when
		 * the pool does not count on it: an external one has to register again, one of the pool to end.
		 */
		async heartbeat(instanceId: string, heartbeat: z.input<typeof RunnerHeartbeat> = {}): Promise<{ isDraining: boolean }> {
			const parsed = parse(RunnerHeartbeat, heartbeat)
			const { isDraining } = await alter(instanceId, (instance, at) => {
				if (instance.state === 'stopped' || instance.state === 'failed') throw new AppError('NOT_FOUND', `${instanceId} is not a runner that the pool of ${settings.workerName} counts on. An external one registers first.`, { instanceId })
				return instance.isExternal ? beat(instance, parsed, at) : { ...instance, lastSeenAt: at }
			})
			return { isDraining }
		},
	}
}
export type Pool = ReturnType<typeof createPool>

const isAtWork = ({ state }: InstanceRecord): boolean => state === 'starting' || state === 'running' || state === 'unhealthy'

function restarted(instance: InstanceRecord, { at, force }: { at: number; force: boolean }): InstanceRecord {
	const { instanceId, state, isExternal, drain } = instance
	if (isExternal) throw new AppError('INVALID_INPUT', `${instanceId} is an external runner. Restart it where it runs.`, { instanceId })
	if (state === 'stopped') throw new AppError('INVALID_INPUT', `${instanceId} is stopped. Scale the pool up to start it.`, { instanceId })
	const detail = 'restarted by hand'
	if (!force && state === 'running') return advance(instance, { type: 'drain', at, thenRestart: true, detail })
	if (!force && state === 'draining') return { ...instance, drain: drain && { ...drain, thenRestart: true } }
	return advance(instance, { type: 'recycle', at, detail })
}

function lastLoad({ queued, instances }: PoolState): PoolLoad {
	return { queued, busy: Object.fromEntries(instances.map(({ instanceId, inFlight, lastSeenAt }) => [instanceId, { inFlight, lastHeartbeat: lastSeenAt }])) }
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
	const parsed = schema.safeParse(value)
	if (parsed.success) return parsed.data
	const issue = parsed.error.issues[0]
	throw new AppError('INVALID_INPUT', `${issue?.path.join('.') || 'The input'}: ${issue?.message ?? 'not valid'}.`)
}
