import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { git } from '@shared/testing/stack'
import { expectNoSecret, searchProcesses, searchState } from './canary.ts'

const secret = `canary/${randomBytes(24).toString('base64')}?`
let stateDir: string

beforeEach(async () => {
	stateDir = mkdtempSync(join(tmpdir(), 'vibehq-canary-'))
	writeFileSync(join(stateDir, 'a.log'), 'nothing here\n')
	const database = new DatabaseSync(join(stateDir, 'a.sqlite'))
	database.exec("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('nothing here')")
	database.close()
	await git(['init', '--quiet', '--bare', join(stateDir, 'a.git')])
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const found = async () => (await searchState(stateDir, [secret])).found
const base64 = (before: string) => Buffer.from(`${before}${secret} and more`).toString('base64')

describe('a search for secrets', () => {
	it('passes where there is none', async () => {
		await expectNoSecret({ stateDir }, [secret])
	})

	it.each([
		['as it is', secret],
		['URL-encoded', encodeURIComponent(secret)],
		['in hexadecimal', Buffer.from(secret).toString('hex')],
		['in hexadecimal', Buffer.from(secret).toString('hex').toUpperCase()],
		['in base64', base64('')],
		['in base64', base64('1')],
		['in base64', base64('22')],
		['in base64', Buffer.from(secret).toString('base64url')],
	])('finds a secret that is written %s', async (form, text) => {
		writeFileSync(join(stateDir, 'b.log'), `before ${text} after`)
		expect(await found()).toEqual([`secret 0 ${form} in b.log`])
		await expect(expectNoSecret({ stateDir }, [secret])).rejects.toThrow(/secret 0/)
	})

	it('finds it in a database, also where the file holds it in pieces', async () => {
		const file = join(stateDir, 'b.sqlite')
		const database = new DatabaseSync(file)
		database.exec('PRAGMA page_size = 512; CREATE TABLE secrets (x TEXT)')
		const insert = database.prepare('INSERT INTO secrets VALUES (?)')
		for (let before = 0; before < 512; before += 16) insert.run(`${'x'.repeat(1000 + before)}${secret}${'x'.repeat(600)}`)
		database.close()
		expect(await found()).toContain('secret 0 as it is in b.sqlite, table secrets')
	})

	it('finds it in the log of writes that a database has not taken over yet', async () => {
		const database = new DatabaseSync(join(stateDir, 'b.sqlite'))
		database.exec('PRAGMA journal_mode = WAL; CREATE TABLE secrets (x TEXT)')
		database.prepare('INSERT INTO secrets VALUES (?)').run(secret)
		expect(await found()).toEqual(expect.arrayContaining(['secret 0 as it is in b.sqlite-wal']))
		database.close()
	})

	it('finds it in a git object that nothing refers to', async () => {
		const file = join(stateDir, 'folder-of-the-test')
		writeFileSync(file, `before ${secret} after`)
		await git(['hash-object', '-w', file], { cwd: join(stateDir, 'a.git') })
		expect(await found()).toEqual(['secret 0 as it is in the objects of a.git/HEAD'])
	})

	it('minds that the files for secrets are for their owner only', async () => {
		writeFileSync(join(stateDir, 'signing-key'), secret, { mode: 0o600 })
		expect(await found()).toEqual([])
		writeFileSync(join(stateDir, 'orchestrator.env'), secret, { mode: 0o644 })
		expect(await found()).toEqual(['orchestrator.env can be read by others'])
		mkdirSync(join(stateDir, 'elsewhere'))
		writeFileSync(join(stateDir, 'elsewhere/signing-key'), secret, { mode: 0o600 })
		expect(await found()).toContain('secret 0 as it is in elsewhere/signing-key')
	})

	it('does not pass when there was nothing to look at, or nothing to look for', async () => {
		rmSync(join(stateDir, 'a.sqlite'))
		await expect(expectNoSecret({ stateDir }, [secret])).rejects.toThrow(/looked at nothing/)
		await expect(expectNoSecret({ stateDir }, [])).rejects.toThrow()
	})

	it('finds it in arguments and environments of processes', () => {
		expect(searchProcesses([secret])).toEqual([])
		const child = spawn('sh', ['-c', 'sleep 60; true', secret], { env: { PATH: process.env['PATH'], KEY: secret }, detached: true, stdio: 'ignore' })
		try {
			expect(searchProcesses([secret])).toEqual(expect.arrayContaining(['secret 0 as it is in the arguments of a process', 'secret 0 as it is in the environment of a process']))
		} finally {
			if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
		}
	})
})
