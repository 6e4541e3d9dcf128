import { PROVIDER_TASKS_DLQ } from '@shared/contracts'
import type { Services } from '../services.ts'

/**
 * Starts the Workflow of each message. The queue delivers at least once and may lose what it holds; neither matters,
 * because the instance id is the execution id and the sweeper tells the queue again about what nobody works on.
 */
export async function consumeProviderTasks(batch: MessageBatch<unknown>, services: Services): Promise<void> {
	const isDeadLetter = batch.queue === PROVIDER_TASKS_DLQ
	// One bad message must not make the others come again: every message is settled by itself.
	await Promise.all(
		batch.messages.map(async (message) => {
			try {
				if (isDeadLetter) await services.dispatcher.bury(message.body, message.id)
				else await services.dispatcher.start(message.body, message.id)
				message.ack()
			} catch (error) {
				console.error({ message: 'queue message failed', queue: batch.queue, id: message.id, error: error instanceof Error ? error.message : String(error) })
				message.retry({ delaySeconds: Math.min(2 ** message.attempts, 60) })
			}
		}),
	)
}

