import { expect, it } from 'vitest'
import { createListeners } from './fanoutListeners.ts'

const message = (line: number) => JSON.stringify({ type: 'log', cursor: '1', at: Date.now() - 50, data: { details: { text: `line-${line}-` } } })

it('counts what is lost and doubled of each client', () => {
	const listeners = createListeners(2)
	for (const line of [0, 1, 1, 4]) listeners.onText(0, message(line))
	listeners.onText(1, message(0))
	listeners.onText(1, '{"type":"snapshot","cursor":"1","at":1,"data":{}}')
	expect([listeners.lost(), listeners.doubled(), listeners.delays().length]).toEqual([2, 1, 4])
	expect(listeners.delays().every((ms) => ms >= 50)).toBe(true)
	listeners.forgetDelays()
	expect(listeners.delays()).toEqual([])
})

it('says who still waits', async () => {
	const listeners = createListeners(2)
	listeners.onText(0, message(0))
	await expect(listeners.have(1, 10)).rejects.toThrow(/1 of 2 clients/)
	listeners.onText(1, message(0))
	await listeners.have(1, 10)
})
