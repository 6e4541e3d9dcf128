import type { Turn } from './types.ts'

/**
 * The CLIs surround what the user typed with context of their own, as further parts or messages of the user role. A scenario
 * is about what the user typed, so that is taken away again.
 */

const CONTEXT_BLOCKS = [
	/<system-reminder>[\s\S]*?<\/system-reminder>/g,
	/<environment_context>[\s\S]*?<\/environment_context>/g,
	/<session_context>[\s\S]*?<\/session_context>/g,
	/<user_instructions>[\s\S]*?<\/user_instructions>/g,
	/<current_datetime>[\s\S]*?<\/current_datetime>/g,
	/^# AGENTS\.md instructions[\s\S]*?<\/INSTRUCTIONS>/g,
]

export function stripContext(text: string): string {
	let rest = text
	for (const block of CONTEXT_BLOCKS) rest = rest.replace(block, '')
	return rest.trim()
}

const DIRECTORY_NOTES = [
	/<cwd>([^<\n]+)<\/cwd>/,
	/Primary working directory: ([^\n]+)/,
	/Current working directory: ([^\n]+)/,
	/\*\*Workspace Directories:\*\*\n\s*- ([^\n]+)/,
	/\bWorking directory: ([^\n]+)/,
]

/** Finds the working directory in the texts that the CLI itself wrote; the first text that names one wins. */
export function findWorkingDirectory(texts: Iterable<string>): string | undefined {
	for (const text of texts) {
		for (const note of DIRECTORY_NOTES) {
			const found = note.exec(text)?.[1]?.trim()
			if (found?.startsWith('/') || (found && /^[A-Za-z]:\\/.test(found))) return found
		}
	}
	return undefined
}

/** Collects messages into turns: a user text opens a turn, a tool result belongs to the turn that is open. */
export function createTurnCollector(): { prompt(text: string): void; result(result: Turn['results'][number]): void; turns: Turn[] } {
	const turns: Turn[] = []
	return {
		turns,
		prompt(text) {
			const prompt = stripContext(text)
			if (prompt !== '') turns.push({ prompt, results: [] })
		},
		result(result) {
			const last = turns.at(-1)
			if (last) last.results.push(result)
			else turns.push({ prompt: '', results: [result] })
		},
	}
}
