import type { ContainerTask } from '@shared/contracts'
import type { TaskQueue } from '../container-tasks/taskQueue.ts'

/** The queue, which tells pools of work that came. Whose work it is says which pool; nobody waits for it. */
export function withPools(queue: TaskQueue, tell: (workerNames: string[]) => void): TaskQueue {
	const announce = <Tasks extends readonly ContainerTask[]>(tasks: Tasks): Tasks => {
		if (tasks.length > 0) tell([...new Set(tasks.map(({ targetWorker, workerName }) => targetWorker ?? workerName))])
		return tasks
	}
	return {
		...queue,
		async submit(input, origin) {
			const task = await queue.submit(input, origin)
			announce([task])
			return task
		},
		submitMany: async (inputs, origin) => announce(await queue.submitMany(inputs, origin)),
		async submitPlan(plan, origin) {
			const submitted = await queue.submitPlan(plan, origin)
			announce(submitted.tasks)
			return submitted
		},
	}
}
