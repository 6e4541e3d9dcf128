import { AppError } from '@shared/contracts'
import type { z } from 'zod'

/** Parses an argument of an RPC method; INVALID_INPUT says which argument and what is wrong with it. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown, name: string): z.infer<Schema> {
	const parsed = schema.safeParse(value)
	if (parsed.success) return parsed.data
	const issue = parsed.error.issues[0]
	throw new AppError('INVALID_INPUT', `The ${name} is not valid: ${issue?.path.join('.') || '(whole)'}: ${issue?.message ?? ''}`)
}
