import { globSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { TokenUsage } from '@shared/contracts'
import type { Stack } from './stack.ts'

/** A row of `gateway_calls`. */
export interface BookedCall {
	provider_name: string
	model: string | null
	status: number
	input_tokens: number
	output_tokens: number
	cost_micro_usd: number | null
	pricing: string | null
	error_code: string | null
}

/** The model calls of an execution as the gateway booked them, read from the database itself. */
export function bookedCalls(stack: Stack, executionId: string): BookedCall[] {
	return query<BookedCall>(stack, 'SELECT * FROM gateway_calls WHERE execution_id = ? ORDER BY id', executionId)
}

/** Reads the orchestrator's D1 from outside. */
export function query<Row>(stack: Pick<Stack, 'stateDir'>, text: string, ...values: (string | number)[]): Row[] {
	for (const file of globSync(`${stack.stateDir}/wrangler/v3/d1/**/*.sqlite`)) {
		const database = new DatabaseSync(file, { readOnly: true })
		try {
			const hasTables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'gateway_calls'").get() !== undefined
			if (hasTables) return database.prepare(text).all(...values) as Row[]
		} finally {
			database.close()
		}
	}
	throw new Error(`There is no database with the tables of the orchestrator below ${stack.stateDir}.`)
}

export interface ToldUsage {
	calls: number
	tokens: Required<Pick<TokenUsage, 'inputTokens' | 'outputTokens'>>
}

/** What the emulator answered for the prompts with this token: how often, and the tokens it told. */
export function toldUsage(stack: Stack, token: string): ToldUsage {
	const answered = (stack.emulator?.requests ?? []).filter((request) => request.scenario?.startsWith(token) && request.status === 200)
	const sum = (name: 'inputTokens' | 'outputTokens') => answered.reduce((total, { usage }) => total + (usage?.[name] ?? 0), 0)
	return { calls: answered.length, tokens: { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens') } }
}
