// How patch sets land beside each other, wait for people, are compared with their base, are taken back and applied again.
import { describe, expect, it } from 'vitest'
import type { AIPatch, BlameView, CollisionView, Page, PatchResult, PatchSetSummary, PatchStatus, WorkspacePolicy } from '@shared/contracts'
import { guardSecrets } from './support/canary.ts'
import { cloneRef } from './support/clone.ts'
import { createGate, until } from './support/gate.ts'
import type { Waiting } from './support/gate.ts'
import { addTask, applyPatches, decide, requestOf, tasksWhenDone } from './support/landingTalk.ts'
import { linesOf, makeWorkspace, order, place, sharedStack, tempFolder } from './support/stack.ts'
import type { Stack } from './support/stack.ts'

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at + 1}\n`).join('')
const TEXT = lines(40)
const edit = (line: number, to: string) => ({ steps: [{ edit: { path: 'a.txt', old: `line ${line}\n`, new: `${to}\n` } }] })
const with_ = (...changes: [line: number, to: string][]) => changes.reduce((text, [line, to]) => text.replace(`line ${line}\n`, `${to}\n`), TEXT)
const refused = (promise: Promise<unknown>) => promise.then(() => expect.unreachable('should have been refused'), (error: unknown) => error)

const patch = (file: string, operation: Record<string, unknown>): AIPatch => ({ task_id: 'by-hand', file, metadata: { provider: 'person' }, ...operation }) as AIPatch
const setPolicy = (stack: Stack, workspaceId: string, policy: object) => stack.client.call<WorkspacePolicy>('PUT', `/api/workspaces/${workspaceId}/policy`, { body: policy })

const shared = sharedStack()
guardSecrets(shared)

describe('sets of one branch', () => {
	it('land beside each other: the later one is merged with what has landed, proved by the second engine', async () => {
		const { stack } = shared
		const gate = createGate(stack, 'beside')
		const first = await place(stack, { provider: 'codex', files: { 'a.txt': TEXT }, scenario: { steps: [{ shell: gate.shell }, ...edit(3, 'line three').steps] } })
		const waiting = await gate.reached(first)
		const second = await addTask(stack, first, { provider: 'claude', scenario: edit(30, 'line thirty') })
		expect(await stack.client.settled(second.executionId)).toMatchObject({ status: 'completed', error: null })
		waiting.open()
		const settled = await first.settled()
		expect(settled.execution).toMatchObject({ status: 'completed', error: null })
		expect((await tasksWhenDone(stack, first.orderId)).map(({ status }) => status)).toEqual(['completed', 'completed'])
		const clone = await settled.clone()
		expect(await clone.tree()).toEqual({ 'a.txt': with_([3, 'line three'], [30, 'line thirty']) })
		expect(await clone.git('rev-list', '--count', `${first.base.commit}..HEAD`)).toBe('2')
		expect(linesOf(settled.log, 'patch.candidate').at(-1)?.details).toMatchObject({ merged: ['a.txt'] })
		const foreseen = await stack.client.call<Page<CollisionView>>('GET', `/api/collisions?workspaceId=${first.base.workspace.workspaceId}`)
		expect(foreseen.items).toEqual([])

		const blame = await stack.client.call<BlameView>('GET', `/api/workspaces/${first.base.workspace.workspaceId}/blame?path=a.txt&branch=${encodeURIComponent(settled.order.branch)}`)
		expect(blame.lines.map(({ start, executionId }) => [start, executionId])).toEqual([[1, null], [3, first.executionId], [4, null], [30, second.executionId], [31, null]])
	})

	it('make a conflict into a task that knows both sides, and the order ends well', async () => {
		const { stack } = shared
		const gate = createGate(stack, 'conflict')
		const first = await place(stack, {
			provider: 'codex',
			files: { 'a.txt': TEXT },
			scenario: [{ ...edit(3, 'line of the first'), ...{ steps: [{ shell: `if grep -q "line of the second" a.txt; then sed -i "s/line of the second/line of both/" a.txt; else ${gate.shell}; sed -i "s/^line 3$/line of the first/" a.txt; fi` }] } }],
		})
		const waiting = await gate.reached(first)
		const second = await addTask(stack, first, { provider: 'claude', scenario: edit(3, 'line of the second') })
		await stack.client.settled(second.executionId)
		waiting.open()
		const settled = await first.settled()
		expect(settled.executions.map(({ status, error }) => [status, error?.code])).toEqual([['failed', 'PATCH_CONFLICT'], ['completed', undefined]])
		const tasks = await tasksWhenDone(stack, first.orderId)
		expect(tasks.map(({ status, depth, parentTaskId }) => [status, depth, parentTaskId])).toEqual([['failed', 0, null], ['completed', 0, null], ['completed', 1, first.taskId]])
		const remedy = tasks[2]
		expect(remedy?.prompt).toContain('line of the first')
		expect(remedy?.prompt).toContain('line of the second')
		expect(remedy?.prompt).toContain('line 3')
		expect((await stack.client.order(first.orderId)).status).toBe('completed')
		expect(await (await settled.clone()).tree()).toEqual({ 'a.txt': with_([3, 'line of both']) })

		// The set that met the other work is kept, says so, and can be applied where it fits.
		const kept = settled.executions[0].patchSetId ?? ''
		const elsewhere = await applyPatches(stack, { workspaceId: first.base.workspace.workspaceId, patchSetId: kept as never, branch: 'factory/elsewhere' })
		expect(elsewhere).toMatchObject({ status: 'landed', success: true, patchSetId: kept })
	})

	it('are put in order when they are sure to change the same lines, and are warned of across branches and while they run', async () => {
		const { stack } = shared
		const gate = createGate(stack, 'ordered')
		const scope = [{ path: 'a.txt', start: 1, end: 9 }]
		const first = await place(stack, { provider: 'codex', files: { 'a.txt': TEXT }, scope, scenario: { steps: [...edit(3, 'first').steps, { shell: gate.shell }] } })
		const waiting = await gate.reached(first)
		const second = await addTask(stack, first, { provider: 'claude', scope, scenario: edit(5, 'second') })
		const held = await until('the second waits', async () => linesOf(await stack.client.log(second.executionId), 'collision.waiting')[0])
		expect(held.details).toMatchObject({ waitFor: [first.executionId] })
		const elsewhere = await order(stack, { base: first.base, provider: 'gemini', scope, scenario: edit(4, 'elsewhere') })
		expect(elsewhere.execution.status).toBe('completed')
		const collisions = await until('the running agent is observed', async () => {
			const { items } = await stack.client.call<Page<CollisionView>>('GET', `/api/collisions?workspaceId=${first.base.workspace.workspaceId}`)
			return items.length < 2 ? undefined : items
		})
		expect(collisions.map(({ answer }) => answer).toSorted()).toContain('ordered')
		expect(collisions.map(({ answer }) => answer).toSorted()).toContain('warned')
		waiting.open()
		expect((await first.settled()).execution.status).toBe('completed')
		const after = await stack.client.settled(second.executionId)
		expect(after).toMatchObject({ status: 'completed', baseCommit: (await stack.client.execution(first.executionId)).landedCommit })
	})

	it('stop at a bounded depth: then a person is told', async () => {
		const { stack } = shared
		const { base } = await order(stack, { provider: 'codex', files: { 'a.txt': TEXT }, scenario: edit(1, 'once') })
		const gate = createGate(stack, 'depth')
		const placed = await place(stack, { base, provider: 'codex', scenario: { steps: [{ shell: gate.shell }, { shell: 'date +%N > counter.txt' }] } })
		const { branch } = await stack.client.order(placed.orderId)
		let [head, executionId, standing]: [string, string, Waiting | undefined] = [base.commit, placed.executionId, undefined]
		for (let round = 0; round < 3; round += 1) {
			standing = await gate.reached({ ...placed, executionId: executionId as typeof placed.executionId }, standing)
			const by = round === 0 ? { operation: 'append', block: 'zero\n' } : { operation: 'replace-block', start: 1, end: 1, block: `by hand ${round}\n` }
			const landed = await applyPatches(stack, { workspaceId: base.workspace.workspaceId, baseCommit: head, branch, patches: [patch('counter.txt', by)] })
			expect(landed).toMatchObject({ status: 'landed' })
			standing.open()
			const failed = executionId
			const { nextExecutionId } = await until('the conflict is found', async () => {
				const view = await stack.client.execution(failed)
				return view.completedAt === null ? undefined : view
			})
			;[head, executionId] = [landed.commit ?? '', nextExecutionId ?? '']
		}
		const settled = await placed.settled()
		expect(settled.executions.map(({ error }) => error?.code)).toEqual(['PATCH_CONFLICT', 'PATCH_CONFLICT', 'PATCH_CONFLICT'])
		expect(settled.order.status).toBe('failed')
		expect(settled.order.tasks.map(({ depth }) => depth)).toEqual([0, 1, 2])
	})
})

describe('people', () => {
	const CI = { steps: [{ write: { path: '.github/workflows/ci.yml', content: 'on: push\n' } }, { write: { path: 'done.txt', content: 'done\n' } }] }

	it('are asked before a protected file lands; their yes is bound to the content and stands in the commit', async () => {
		const { stack } = shared
		const placed = await place(stack, { provider: 'codex', scenario: CI })
		const request = await requestOf(stack, placed.executionId)
		expect(request).toMatchObject({ kind: 'patch-policy', orderId: placed.orderId, details: { hits: [{ rule: 'protected-file', path: '.github/workflows/ci.yml' }] } })
		expect(await refused(decide(stack, { ...request, digest: '0'.repeat(64) }, 'approve'))).toMatchObject({ body: { code: 'HUMAN_REQUEST_CLOSED' } })
		expect((await stack.client.execution(placed.executionId)).status).toBe('landing')
		await decide(stack, request, 'approve')
		expect(await decide(stack, request, 'approve')).toMatchObject({ status: 'approved' })
		expect(await refused(decide(stack, request, 'reject'))).toMatchObject({ body: { code: 'HUMAN_REQUEST_CLOSED' } })
		const settled = await placed.settled()
		expect(settled.execution).toMatchObject({ status: 'completed' })
		expect(await (await settled.clone()).git('log', '-1', '--format=%(trailers:key=Approved-By,valueonly)')).not.toBe('')
	})

	it('can say no: nothing lands, the set is kept', async () => {
		const { stack } = shared
		const placed = await place(stack, { provider: 'codex', scenario: CI })
		await decide(stack, await requestOf(stack, placed.executionId), 'reject', 'not the CI')
		const { execution, order: view } = await placed.settled()
		expect(execution).toMatchObject({ status: 'failed', error: { code: 'PATCH_REJECTED', message: expect.stringContaining('not the CI') }, landedCommit: null })
		expect(view.status).toBe('failed')
		expect(await stack.client.patchSet(placed.executionId)).toMatchObject({ patch_set_id: execution.patchSetId })
	})

	it('are not asked where the workspace says so, and a scope is held', async () => {
		const { stack } = shared
		const base = await makeWorkspace(stack, { 'a.txt': TEXT })
		await setPolicy(stack, base.workspace.workspaceId, { outcomes: { 'protected-file': 'allow' } })
		expect((await order(stack, { base, provider: 'codex', scenario: CI })).execution.status).toBe('completed')
		const out = await order(stack, { base, provider: 'codex', scope: [{ path: 'a.txt', start: 1, end: 9 }], scenario: edit(20, 'outside') })
		expect(out.execution).toMatchObject({ status: 'failed', error: { code: 'PATCH_POLICY', details: { rule: 'outside-scope', path: 'a.txt' } } })
		const kept = { workspaceId: base.workspace.workspaceId, patchSetId: out.execution.patchSetId as never }
		for (const options of [{ dryRun: true }, {}]) {
			expect(await applyPatches(stack, kept, options)).toMatchObject({ status: 'refused', errors: [{ code: 'PATCH_POLICY', details: { rule: 'outside-scope' } }] })
		}
		await setPolicy(stack, base.workspace.workspaceId, { outcomes: { 'protected-file': 'allow', 'outside-scope': 'allow' } })
		expect(await applyPatches(stack, kept)).toMatchObject({ status: 'landed', patchSetId: out.execution.patchSetId })
		await setPolicy(stack, base.workspace.workspaceId, { outcomes: { 'protected-file': 'allow' } })
		const within = await order(stack, { base, provider: 'codex', scope: [{ path: 'a.txt', start: 1, end: 9 }], scenario: edit(5, 'inside') })
		expect(within.execution.status).toBe('completed')
	})

	it.each([
		['a wrong outcome', { outcomes: { secret: 'perhaps' } }],
		['an unknown rule', { outcomes: { everything: 'allow' } }],
		['a number that is none', { maxFiles: 'many' }],
		['a field that is not known', { anything: 1 }],
	])('are told what is wrong with a policy: %s', async (_, policy) => {
		const { stack } = shared
		const base = await makeWorkspace(stack)
		expect(await refused(setPolicy(stack, base.workspace.workspaceId, policy))).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } })
	})
})

describe('validation', () => {
	const TAP = { 'a.txt': TEXT, 'check.sh': 'echo "not ok 1 - was broken before"\nif grep -q broken a.txt; then echo "not ok 2 - breaks"; else echo "ok 2 - breaks"; fi\nexit 1\n' }

	it('counts only new failures', async () => {
		const { stack } = shared
		const base = await makeWorkspace(stack, TAP)
		const [fine, bad] = await Promise.all([
			order(stack, { base, provider: 'codex', validate: ['sh check.sh'], scenario: edit(3, 'harmless') }),
			order(stack, { base, provider: 'claude', validate: ['sh check.sh'], scenario: edit(3, 'broken') }),
		])
		expect(fine.execution).toMatchObject({ status: 'completed', error: null })
		expect(linesOf(fine.log, 'patch-set.validated')[0]?.details).toMatchObject({ tree: expect.any(String), commands: [{ verdict: 'pre-existing', base: { exitCode: 1 } }] })
		expect(bad.execution).toMatchObject({ status: 'failed', error: { code: 'VALIDATION_FAILED', message: expect.stringContaining('breaks') } })
	})

	it('asks a person when nobody can tell, and runs the commands of the workspace', async () => {
		const { stack } = shared
		const base = await makeWorkspace(stack, { 'a.txt': TEXT })
		await setPolicy(stack, base.workspace.workspaceId, { validate: ['cat a.txt; exit 3'] })
		const placed = await place(stack, { base, provider: 'codex', scenario: edit(3, 'anything') })
		const request = await requestOf(stack, placed.executionId)
		expect(request).toMatchObject({ kind: 'validation-inconclusive', details: { commands: ['cat a.txt; exit 3'] } })
		await decide(stack, request, 'approve')
		expect((await placed.settled()).execution.status).toBe('completed')
	})
})

describe('patches without an agent', () => {
	const history = (stack: Stack, workspaceId: string) => stack.client.call<Page<PatchSetSummary>>('GET', `/api/patches/history?workspaceId=${workspaceId}`)

	it('land, are told, merge with later work, are taken back alone, and land once under one id', async () => {
		const { stack } = shared
		const base = await makeWorkspace(stack, { 'a.txt': TEXT })
		const { workspaceId } = base.workspace
		const batch = { batchId: 'by-hand-1', workspaceId, baseCommit: base.commit, branch: 'factory/by-hand', patches: [patch('a.txt', { operation: 'replace-block', start: 3, end: 3, block: 'line three' })] }
		const dry = await applyPatches(stack, { ...batch, batchId: 'dry' }, { dryRun: true })
		expect(dry).toMatchObject({ status: 'dry-run', success: true, appliedOperations: 1 })
		expect((await history(stack, workspaceId)).items).toEqual([])

		const [one, same] = await Promise.all([applyPatches(stack, batch), applyPatches(stack, batch)])
		expect(one).toMatchObject({ status: 'landed', success: true, rollbackId: 'by-hand-1', errors: [] })
		expect(same).toEqual(one)
		expect(await refused(applyPatches(stack, { ...batch, reason: 'other' }))).toMatchObject({ body: { code: 'IDEMPOTENCY_CONFLICT' } })
		expect(await stack.client.call<PatchStatus>('GET', '/api/patches/by-hand-1/status')).toMatchObject({ status: 'landed', progress: { total: 1, applied: 1, failed: 0 } })

		const later = await applyPatches(stack, { workspaceId, baseCommit: base.commit, branch: 'factory/by-hand', patches: [patch('a.txt', { operation: 'insert-after', line: 30, block: 'more' })], validate: ['grep -q "line three" a.txt && grep -q more a.txt'] })
		expect(later).toMatchObject({ status: 'landed', merged: ['a.txt'] })
		const clash = await applyPatches(stack, { workspaceId, baseCommit: base.commit, branch: 'factory/by-hand', patches: [patch('a.txt', { operation: 'replace-block', start: 3, end: 3, block: 'drei' })] })
		expect(clash).toMatchObject({ status: 'conflict', success: false, errors: [{ code: 'PATCH_CONFLICT', details: { conflicts: [{ path: 'a.txt' }] } }] })

		const undone = await stack.client.call<PatchResult>('POST', '/api/patches/rollback', { body: { rollbackId: one.rollbackId, reason: 'not wanted' } })
		expect(undone).toMatchObject({ status: 'landed', success: true })
		const again = await applyPatches(stack, { workspaceId, patchSetId: clash.patchSetId as never })
		expect(again).toMatchObject({ status: 'landed', patchSetId: clash.patchSetId })
		const statuses = (await history(stack, workspaceId)).items.map(({ patchSetId, status }) => [patchSetId, status])
		expect(statuses).toContainEqual([one.patchSetId, 'reverted'])
		expect(statuses).toContainEqual([clash.patchSetId, 'landed'])
		const clone = await cloneRef({ url: base.url, ref: 'factory/by-hand', token: stack.operatorToken, folder: tempFolder(stack) })
		expect(await clone.tree()).toEqual({ 'a.txt': with_([3, 'drei'], [30, 'line 30\nmore']) })
	})

	it('take one execution back and keep the work that came after it', async () => {
		const { stack } = shared
		const first = await order(stack, { provider: 'codex', files: { 'a.txt': TEXT }, scenario: edit(3, 'line three') })
		const second = await addTask(stack, first, { provider: 'claude', scenario: edit(30, 'line thirty') })
		await stack.client.settled(second.executionId)
		const undone = await stack.client.call<PatchResult>('POST', '/api/patches/rollback', { body: { rollbackId: first.executionId } })
		expect(undone).toMatchObject({ status: 'landed' })
		expect(await (await first.clone()).tree()).toEqual({ 'a.txt': with_([30, 'line thirty']) })
		expect(await refused(stack.client.call('POST', '/api/patches/rollback', { body: { rollbackId: first.executionId } }))).toMatchObject({ body: { code: 'PATCH_INVALID' } })
	})

	it('fail alone: a refused batch does not touch one that lands', async () => {
		const { stack } = shared
		const base = await makeWorkspace(stack, { 'a.txt': TEXT })
		const common = { workspaceId: base.workspace.workspaceId, baseCommit: base.commit, branch: 'factory/side-by-side' }
		const results = await Promise.all([
			applyPatches(stack, { ...common, patches: [patch('a.txt', { operation: 'replace-block', start: 2, end: 2, block: '<<<<<<< x\n=======\n>>>>>>> y\n' })] }),
			applyPatches(stack, { ...common, patches: [patch('a.txt', { operation: 'replace-block', start: 10, end: 10, block: 'ten\n' })] }),
			applyPatches(stack, { ...common, patches: [patch('a.txt', { operation: 'replace-block', start: 20, end: 20, block: 'twenty\n' })], validate: ['! grep -q twenty a.txt'] }),
			applyPatches(stack, { ...common, patches: [patch('a.txt', { operation: 'replace-block', start: 30, end: 30, block: 'thirty\n' })] }),
		])
		expect(results.map(({ status }) => status)).toEqual(['refused', 'landed', 'refused', 'landed'])
		expect([results[0], results[2]].map((result) => result?.errors[0]?.code)).toEqual(['PATCH_POLICY', 'VALIDATION_FAILED'])
	})

	it.each([
		['no base', { baseCommit: undefined }, 'PATCH_BASE_REQUIRED'],
		['a base that is not there', { baseCommit: '1'.repeat(40) }, 'PATCH_STALE'],
		['lines that are not there', { patches: [patch('a.txt', { operation: 'replace-block', start: 90, end: 91, block: '' })] }, 'PATCH_INVALID'],
		['operations that overlap', { patches: [1, 2].map(() => patch('a.txt', { operation: 'replace-block', start: 1, end: 2, block: 'x' })) }, 'PATCH_INVALID'],
		['a path that leads out', { patches: [patch('../a.txt', { operation: 'append', block: 'x' })] }, 'PATCH_POLICY'],
		['nothing at all', { patches: undefined }, 'INVALID_INPUT'],
		['patches of a wrong type', { patches: 'all' }, 'INVALID_INPUT'],
		['a branch that git does not take', { branch: '../x' }, 'INVALID_INPUT'],
		['a workspace that is not there', { workspaceId: 'wsp-zzzzzzzzzzzz' }, 'WORKSPACE_NOT_FOUND'],
		['a set that is not there', { patches: undefined, patchSetId: 'PST-ZZZZZZZZZZZZZZZZ' }, 'PATCH_NOT_FOUND'],
		['half a rollback', { options: { rollbackOnFailure: false } }, 'INVALID_INPUT'],
	])('are refused with %s', async (_, change, code) => {
		const { stack } = shared
		const base = await makeWorkspace(stack, { 'a.txt': TEXT })
		const body = { workspaceId: base.workspace.workspaceId, baseCommit: base.commit, patches: [patch('a.txt', { operation: 'append', block: 'x\n' })], ...change }
		const answer = await stack.client.call<PatchResult>('POST', '/api/patches/apply', { body: JSON.parse(JSON.stringify(body)) as unknown }).catch((error: { body: { code: string } }) => ({ errors: [error.body] }))
		expect(answer.errors[0]?.code).toBe(code)
	})

	it('keep what a Patch Manager reports, once, and move nothing by it', async () => {
		const { stack } = shared
		const { execution } = await order(stack, { provider: 'codex', scenario: { steps: [{ write: { path: 'x', content: 'x\n' } }] } })
		const patchSetId = execution.patchSetId ?? ''
		const event = { event_id: 'e-1', event: 'patch_reverted', patch_id: patchSetId, file: 'x', op: 'append', status: 'applied' }
		for (let times = 0; times < 2; times += 1) await stack.client.call('POST', '/api/patches/events', { body: event })
		expect(await refused(stack.client.call('POST', '/api/patches/events', { body: { event: 'nonsense', patch_id: 'x' } }))).toMatchObject({ status: 400 })
		const books = await stack.client.call<{ patchSet: PatchSetSummary; events: { event: string }[] }>('GET', `/api/patches/sets/${patchSetId}/events`)
		expect(books.patchSet.status).toBe('landed')
		expect(books.events.map(({ event: name }) => name).filter((name) => name === 'patch_reverted')).toHaveLength(1)
	})
})
