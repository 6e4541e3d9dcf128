import { WorkerEntrypoint } from 'cloudflare:workers'

interface Env {
	DB: { prepare(sql: string): object; batch(statements: object[]): Promise<unknown> }
}

/** What a call costs before a queue does anything with it: no queue behind RPC and D1 is faster than these on this machine. */
export class Floor extends WorkerEntrypoint<Env> {
	async nothing(given: unknown): Promise<unknown> {
		return given
	}
	async oneStatement(given: unknown): Promise<unknown> {
		await this.env.DB.batch([this.env.DB.prepare('select 1')])
		return given
	}
}
