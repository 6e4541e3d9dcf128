import { z } from 'zod'
import type { AgentRequest, Reply } from './types.ts'

/** Answers to callers that insist on a shape: the scenario's words when they are such JSON, else an example made from the schema. */
export function structuredReply(request: AgentRequest, said: string | undefined): Reply | undefined {
	const schema = request.forcedTool?.schema ?? request.outputSchema
	if (schema === undefined) return undefined
	const value = jsonObject(said) ?? example(schema)
	if (request.forcedTool) return { call: { name: request.forcedTool.name, input: jsonObject(JSON.stringify(value)) ?? {} } }
	return { text: JSON.stringify(value) }
}

function jsonObject(text: string | undefined): Record<string, unknown> | undefined {
	if (text === undefined) return undefined
	try {
		return z.record(z.string(), z.unknown()).safeParse(JSON.parse(text)).data
	} catch {
		return undefined
	}
}

interface Schema {
	type?: string | string[] | undefined
	properties?: Record<string, unknown> | undefined
	items?: unknown
	enum?: unknown[] | undefined
	const?: unknown
	anyOf?: unknown[] | undefined
	oneOf?: unknown[] | undefined
	minimum?: number | undefined
	minItems?: number | undefined
}
const Schema: z.ZodType<Schema> = z.looseObject({
	type: z.union([z.string(), z.array(z.string())]).optional(),
	properties: z.record(z.string(), z.unknown()).optional(),
	items: z.unknown().optional(),
	enum: z.array(z.unknown()).optional(),
	const: z.unknown().optional(),
	anyOf: z.array(z.unknown()).optional(),
	oneOf: z.array(z.unknown()).optional(),
	minimum: z.number().optional(),
	minItems: z.number().optional(),
})

/** The least value that fits a JSON schema; Google writes the type names in capitals. */
function example(untrusted: unknown, depth = 0): unknown {
	const parsed = Schema.safeParse(untrusted)
	if (!parsed.success || depth > 20) return null
	const schema = parsed.data
	if (schema.const !== undefined) return schema.const
	if (schema.enum?.length) return schema.enum[0]
	const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0]
	if (choice !== undefined) return example(choice, depth + 1)
	const type = (Array.isArray(schema.type) ? schema.type[0] : schema.type)?.toLowerCase()
	if (type === 'object' || schema.properties) {
		return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, value]) => [name, example(value, depth + 1)]))
	}
	if (type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => example(schema.items, depth + 1))
	if (type === 'integer' || type === 'number') return schema.minimum ?? 1
	if (type === 'boolean') return true
	return type === 'null' ? null : 'model emulator'
}
