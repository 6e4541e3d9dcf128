import { AppError } from '@shared/contracts'
import type { z } from 'zod'

/** Parses what a caller sent; INVALID_INPUT says where it is wrong, with every issue in `details.issues`. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown, what: string): z.infer<Schema> {
	const parsed = schema.safeParse(input)
	if (parsed.success) return parsed.data
	const issues = parsed.error.issues.slice(0, 50).map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
	throw new AppError('INVALID_INPUT', `The ${what} is not valid: ${issues[0]?.path || '(whole)'}: ${issues[0]?.message ?? ''}`, { issues })
}
