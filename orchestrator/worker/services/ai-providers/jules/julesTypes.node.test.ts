import { SDK_ARTIFACTS, SDK_OUTPUTS, SDK_SESSION, SDK_SOURCE } from '@shared/testing/jules'
import { describe, expect, it } from 'vitest'
import { JulesActivity, JulesSession, JulesSource } from './julesTypes.ts'

// What Google's SDK declares, read by our schemas.

const activity = (event: object) => JulesActivity.parse({ name: 'sessions/1/activities/a1', createTime: '2026-01-26T10:00:00.123456789Z', originator: 'agent', ...event })

describe('resources typed by the official SDK', () => {
	it('reads a session with its outputs', () => {
		expect(JulesSession.parse(SDK_SESSION)).toEqual({
			id: '31415926535897932384',
			title: '[vibehq EXE-1] Say goodbye',
			state: 'COMPLETED',
			stateName: 'COMPLETED',
			url: 'https://jules.google.com/session/31415926535897932384',
			createdAt: Date.UTC(2026, 0, 26, 10, 0, 0, 123),
			archived: false,
			outputs: [
				{ kind: 'changeSet', changeSet: { source: 'sources/github/acme/shop', ...SDK_OUTPUTS[0]?.changeSet?.gitPatch } },
				{ kind: 'pullRequest', pullRequest: SDK_OUTPUTS[1]?.pullRequest },
			],
		})
	})

	it('reads each kind of artifact, without the data of media', () => {
		const { artifacts } = activity({ progressUpdated: { title: 'Tests' }, artifacts: SDK_ARTIFACTS })
		expect(artifacts).toMatchObject([{ kind: 'changeSet' }, { kind: 'media', mimeType: 'image/png' }, { kind: 'bashOutput', command: 'npm test', exitCode: 1 }])
		expect(JSON.stringify(artifacts)).not.toContain('aGVsbG8=')
	})

	it('reads a source', () => {
		expect(JulesSource.parse(SDK_SOURCE)).toEqual({ name: 'sources/github/acme/shop', owner: 'acme', repo: 'shop', defaultBranch: 'main', branches: ['main', 'next'] })
	})
})

describe('links', () => {
	it('are taken when they lead to the web', () => {
		const session = (more: object) => JulesSession.parse({ name: 'sessions/1', createTime: '2026-01-26T10:00:00Z', ...more })
		for (const url of ['javascript:alert(1)', 'http://jules.google.com/1', 'data:text/html,x', 'no url']) {
			expect(session({ url }).url).toBeNull()
			expect(session({ outputs: [{ pullRequest: { url } }] }).outputs).toEqual([{ kind: 'unknown', name: 'pullRequest' }])
		}
		expect(session({ url: 'https://jules.google.com/session/1' }).url).toBe('https://jules.google.com/session/1')
	})
})

describe('what protocol buffers leave out', () => {
	it.each([
		[{ agentMessaged: {} }, { kind: 'agentMessaged', message: '' }],
		[{ planGenerated: { plan: { id: 'p', steps: [{ title: 'One' }] } } }, { kind: 'planGenerated', plan: { id: 'p', steps: [{ id: '', title: 'One', description: '', index: 0 }] } }],
		[{ planApproved: { planId: 'p' } }, { kind: 'planApproved', planId: 'p' }],
		[{ userMessaged: { userMessage: 'Hello' } }, { kind: 'userMessaged', message: 'Hello' }],
		[{ progressUpdated: { title: 'T' } }, { kind: 'progressUpdated', title: 'T', description: '' }],
		[{ sessionCompleted: {} }, { kind: 'sessionCompleted' }],
		[{ sessionFailed: {} }, { kind: 'sessionFailed', reason: '' }],
	])('reads %j', (event, read) => {
		expect(activity(event).event).toEqual(read)
	})

	it('reads a session of the first second', () => {
		expect(JulesSession.parse({ name: '1234567', createTime: '2026-01-26T10:00:00Z' })).toMatchObject({ id: '1234567', state: 'STATE_UNSPECIFIED', title: '', url: null, outputs: [] })
	})
})

describe('what nobody knows', () => {
	it.each([
		[{ dreamt: { of: 'sheep' } }, 'dreamt'],
		[{ agentMessaged: 'not an object' }, 'agentMessaged'],
		[{ planGenerated: { plan: { steps: 7 } } }, 'planGenerated'],
		[{}, 'empty'],
		[{ [`x${'y'.repeat(5000)}`]: 1 }, `x${'y'.repeat(99)}`],
	])('keeps the name of the event %j', (event, name) => {
		expect(activity(event).event).toEqual({ kind: 'unknown', name })
	})

	it('keeps the names of artifacts, outputs and states', () => {
		expect(activity({ artifacts: [{ hologram: {} }, { changeSet: { source: 's' } }, {}] }).artifacts).toEqual([
			{ kind: 'unknown', name: 'hologram' },
			{ kind: 'unknown', name: 'changeSet' },
			{ kind: 'unknown', name: 'empty' },
		])
		const session = JulesSession.parse({ ...SDK_SESSION, state: 'DREAMING', outputs: [{ hologram: {} }] })
		expect(session).toMatchObject({ state: 'STATE_UNSPECIFIED', stateName: 'DREAMING', outputs: [{ kind: 'unknown', name: 'hologram' }] })
	})

	it('does not take a session without a name or a time', () => {
		expect(JulesSession.safeParse({ createTime: '2026-01-26T10:00:00Z' }).success).toBe(false)
		expect(JulesSession.safeParse({ name: 'sessions/1', createTime: 'soon' }).success).toBe(false)
	})
})
