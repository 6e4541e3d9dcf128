import { AppError } from '@shared/contracts'
import { emptyPool, PoolState } from '../state.ts'
import type { PoolStore } from '../ports.ts'

/**
 * The state in memory and its way to the store. Changes are synchronous and saves follow one another, so nothing is locked while a
 * driver call is out. A save that fails is treated as a crash: memory is forgotten, and the last saved state counts again.
 */
export function createMemory(store: Pick<PoolStore, 'load' | 'save'>) {
	let state: PoolState | null = null
	let opening: Promise<void> | null = null
	let saving: Promise<void> = Promise.resolve()
	let saved: PoolState | null = null

	async function read(): Promise<void> {
		const stored = await store.load()
		if (stored === null || stored === undefined) {
			state = emptyPool()
			return
		}
		const parsed = PoolState.safeParse(stored)
		if (!parsed.success) {
			const issue = parsed.error.issues[0]
			throw new AppError('INTERNAL', `The saved state of the pool is not valid at ${issue?.path.join('.') || 'its root'}: ${issue?.message ?? 'unknown'}. Repair or delete it; what runs is then found by listing.`)
		}
		state = saved = parsed.data
	}

	function current(): PoolState {
		if (state) return state
		throw new AppError('UNAVAILABLE', 'The state of the pool could not be saved and is read again. Try once more.')
	}

	async function write(): Promise<void> {
		const next = current()
		if (next === saved) return
		try {
			await store.save(next)
			saved = next
		} catch (error) {
			state = null
			throw error
		}
	}

	return {
		/** Must have been awaited before anything else. */
		async open(): Promise<void> {
			if (state) return
			opening ??= read().finally(() => {
				opening = null
			})
			await opening
		},
		current,
		change(apply: (state: PoolState) => PoolState): PoolState {
			return (state = apply(current()))
		},
		save(): Promise<void> {
			const turn = saving.then(write)
			saving = turn.catch(() => undefined)
			return turn
		},
	}
}
