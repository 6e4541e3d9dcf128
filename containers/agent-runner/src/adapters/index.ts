import type { ProviderName } from '@shared/contracts'
import type { AgentAdapter } from './adapter.ts'
import { claude } from './claude.ts'
import { codex } from './codex.ts'
import { copilot } from './copilot.ts'
import { cursor } from './cursor.ts'
import { gemini } from './gemini.ts'

/** The providers that are programs. */
export type AgentName = Exclude<ProviderName, 'jules'>

export const ADAPTERS: Readonly<Record<AgentName, AgentAdapter>> = { codex, claude, gemini, copilot, cursor }

export const AGENT_NAMES = ['codex', 'claude', 'gemini', 'copilot', 'cursor'] as const satisfies readonly AgentName[]

export function isAgentName(name: string): name is AgentName {
	return Object.hasOwn(ADAPTERS, name)
}
