import { addPatch, updatePatch, wholeLines } from './patchText.ts'
import type { ToolCall } from './types.ts'

/** Turns what a scenario wants into a call of a tool that the CLI at the other end offers; undefined when it offers none. */

interface Toolbox {
	tools: ReadonlySet<string>
	cwd: string | undefined
}

const LONG_WAIT_S = 600

export function shellCall({ tools }: Toolbox, command: string): ToolCall | undefined {
	const description = 'Run a command'
	if (tools.has('exec_command')) return { name: 'exec_command', input: { cmd: command, yield_time_ms: 30_000 } }
	if (tools.has('Bash')) return { name: 'Bash', input: { command, description, timeout: LONG_WAIT_S * 1000 } }
	if (tools.has('run_shell_command')) return { name: 'run_shell_command', input: { command, description } }
	if (tools.has('bash')) return { name: 'bash', input: { command, description, mode: 'sync', initial_wait: LONG_WAIT_S } }
	if (tools.has('exec')) return scriptCall(shellScript(command))
	return undefined
}

/** Waits for a command that `exec_command` left running. */
export function pollCall(sessionId: number): ToolCall {
	return { name: 'write_stdin', input: { session_id: sessionId, chars: '', yield_time_ms: 30_000 } }
}

export interface Edit {
	path: string
	old: string
	new: string
}

/** Edits by exact text; undefined when the CLI only has a patch tool, which needs the file's lines (see `patchCall`). */
export function editCall(toolbox: Toolbox, edit: Edit): ToolCall | undefined {
	const path = absolute(toolbox, edit.path)
	if (toolbox.tools.has('Edit')) return { name: 'Edit', input: { file_path: path, old_string: edit.old, new_string: edit.new } }
	if (toolbox.tools.has('replace')) {
		const instruction = `Replace the given text in ${edit.path}.`
		return { name: 'replace', input: { file_path: path, instruction, old_string: edit.old, new_string: edit.new } }
	}
	if (toolbox.tools.has('edit')) return { name: 'edit', input: { path, old_str: edit.old, new_str: edit.new } }
	return undefined
}

export function writeCall(toolbox: Toolbox, path: string, content: string): ToolCall | undefined {
	const file = absolute(toolbox, path)
	if (toolbox.tools.has('Write')) return { name: 'Write', input: { file_path: file, content } }
	if (toolbox.tools.has('write_file')) return { name: 'write_file', input: { file_path: file, content } }
	if (toolbox.tools.has('create')) return { name: 'create', input: { path: file, file_text: content } }
	return content.endsWith('\n') ? patchCall(toolbox, addPatch(path, content)) : undefined
}

/** The edit as a patch, made from the text of the file that an earlier tool call printed. */
export function patchEditCall(toolbox: Toolbox, edit: Edit, printed: string): ToolCall | undefined {
	const lines = wholeLines(printed, edit.old, edit.new)
	return lines && patchCall(toolbox, updatePatch(edit.path, lines))
}

function patchCall({ tools }: Toolbox, patch: string): ToolCall | undefined {
	if (tools.has('apply_patch')) return { name: 'apply_patch', input: patch }
	if (tools.has('exec')) return scriptCall(`text(await tools.apply_patch(${JSON.stringify(patch)}))`)
	// A CLI that knows no patch tool for a model still runs the command of that name in its shell.
	if (tools.has('exec_command')) return { name: 'exec_command', input: { cmd: `apply_patch <<'END_OF_PATCH'\n${patch}\nEND_OF_PATCH` } }
	return undefined
}

/** Newer models of one CLI call every tool from JavaScript that a tool named `exec` runs. */
function scriptCall(script: string): ToolCall {
	return { name: 'exec', namespace: 'functions', input: `// @exec: {"yield_time_ms": ${LONG_WAIT_S * 1000}}\n${script}` }
}

function shellScript(command: string): string {
	return [
		`let step = await tools.exec_command(${JSON.stringify({ cmd: command, yield_time_ms: 30_000 })})`,
		'let output = step.output',
		'while (step.session_id !== undefined) {',
		'	step = await tools.write_stdin({ session_id: step.session_id, yield_time_ms: 30000 })',
		'	output += step.output',
		'}',
		'text(output)',
	].join('\n')
}

function absolute({ cwd }: Toolbox, path: string): string {
	if (path.startsWith('/') || cwd === undefined) return path
	return `${cwd.replace(/\/$/, '')}/${path}`
}
