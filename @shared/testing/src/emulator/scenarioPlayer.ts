import type { Scenario, ScenarioStep } from '@shared/contracts'
import { readCommand, writeCommand } from './patchText.ts'
import { editCall, patchEditCall, pollCall, shellCall, writeCall, type Edit } from './toolCalls.ts'
import { SIGNATURE, type AgentRequest, type Reply, type ToolCall, type ToolResult } from './types.ts'

/**
 * Plays a scenario without memory: the tool results that a request already carries say which step comes next, so a retried
 * request gets the same answer and a restarted emulator goes on where it was.
 */
export function play(scenario: Scenario, request: AgentRequest, results: ToolResult[]): Reply {
	let used = 0
	for (const [index, step] of scenario.steps.entries()) {
		if ('say' in step) continue
		const progress = playStep(step, request, results.slice(used))
		if (progress.kind === 'call') {
			// Words before a step go out with its first call; a step may need several.
			const text = results.length === used ? spokenBefore(scenario.steps, index) : undefined
			return text === undefined ? { call: progress.call } : { text: sign(text), call: progress.call }
		}
		if (progress.kind === 'failed') return { text: sign(`Step ${index + 1} of scenario "${scenario.name}" failed: ${progress.reason}`) }
		used += progress.used
	}
	const last = scenario.steps.at(-1)
	const closing = last && 'say' in last ? last.say : `Played the ${scenario.steps.length} steps of scenario "${scenario.name}".`
	return { text: sign(closing) }
}

export function sign(text: string): string {
	return text.includes(SIGNATURE) ? text : `${text} ${SIGNATURE}`
}

type Progress = { kind: 'call'; call: ToolCall } | { kind: 'done'; used: number } | { kind: 'failed'; reason: string }
type ActiveStep = Exclude<ScenarioStep, { say: string }>

function playStep(step: ActiveStep, request: AgentRequest, results: ToolResult[]): Progress {
	if ('shell' in step) return run(request, step.shell, results)
	if ('write' in step) return write(request, step.write, results)
	return edit(request, step.edit, results)
}

function run(request: AgentRequest, command: string, results: ToolResult[]): Progress {
	const call = shellCall(request, command)
	if (!call) return noTool('shell')
	let used = 0
	for (;;) {
		const result = results[used]
		if (!result) return { kind: 'call', call }
		used += 1
		const sessionId = runningSession(result)
		if (sessionId === undefined) return { kind: 'done', used }
		if (!results[used]) return { kind: 'call', call: pollCall(sessionId) }
	}
}

function write(request: AgentRequest, file: { path: string; content: string }, results: ToolResult[]): Progress {
	const call = writeCall(request, file.path, file.content)
	if (!call) return run(request, writeCommand(file.path, file.content), results)
	const [result, ...later] = results
	if (!result) return { kind: 'call', call }
	if (!hasFailed(result)) return { kind: 'done', used: 1 }
	// Tools for new files may refuse an existing file or a missing folder: a model then takes the shell.
	if (call.name !== 'create' && call.name !== 'apply_patch') return { kind: 'failed', reason: `${file.path}: ${firstLine(result.text)}` }
	const retried = run(request, writeCommand(file.path, file.content), later)
	return retried.kind === 'done' ? { kind: 'done', used: retried.used + 1 } : retried
}

function edit(request: AgentRequest, change: Edit, results: ToolResult[]): Progress {
	const direct = editCall(request, change)
	if (direct) return finish(direct, change.path, { results, used: 0 })
	const read = run(request, readCommand(change.path, change.old), results)
	if (read.kind !== 'done') return read.kind === 'failed' ? noTool('edit') : read
	const printed = results.slice(0, read.used).map((result) => programOutput(result.text)).join('')
	const patch = patchEditCall(request, change, printed)
	if (!patch) return { kind: 'failed', reason: `${change.path} does not contain ${JSON.stringify(change.old)}` }
	return finish(patch, change.path, { results, used: read.used })
}

function finish(call: ToolCall, path: string, { results, used }: { results: ToolResult[]; used: number }): Progress {
	const result = results[used]
	if (!result) return { kind: 'call', call }
	if (hasFailed(result)) return { kind: 'failed', reason: `${path}: ${firstLine(result.text)}` }
	return { kind: 'done', used: used + 1 }
}

function noTool(step: string): Progress {
	return { kind: 'failed', reason: `this request offers no tool for a ${step} step` }
}

function spokenBefore(steps: ScenarioStep[], index: number): string | undefined {
	const before = steps[index - 1]
	return before && 'say' in before ? before.say : undefined
}

function runningSession(result: ToolResult): number | undefined {
	const found = /Process running with session ID (\d+)/.exec(result.text)
	return found ? Number(found[1]) : undefined
}

/** Some shells put a report above what the program printed. */
function programOutput(text: string): string {
	const mark = /^Output:\n/m.exec(text)
	return mark ? text.slice(mark.index + mark[0].length) : text
}

/** Only some APIs mark a failed tool call; the others tell it in the words of the tool. */
const FAILURE =
	/^(error\b|failed\b|no match found|multiple matches|parent directory .*does not exist|path .*already exists|apply_patch verification failed|script failed)|\bdue to error: /im

function hasFailed(result: ToolResult): boolean {
	return result.isError || FAILURE.test(result.text.trimStart())
}

function firstLine(text: string): string {
	return (text.trim().split('\n')[0] ?? '').slice(0, 200)
}
