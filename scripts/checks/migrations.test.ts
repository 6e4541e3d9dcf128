import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { journalProblems, rewrittenProblems, statementProblems } from './migrations.ts'

const statement = (text: string) => statementProblems({ name: '0001_x.sql', text })

describe('statementProblems', () => {
	it.each([
		'CREATE TABLE `a` (`id` text);',
		'ALTER TABLE `a` ADD `b` text;',
		'-- never DROP TABLE here\nCREATE INDEX i ON a (b);',
		'DROP INDEX `i`;',
	])('lets %j pass', (text) => {
		expect(statement(text)).toEqual([])
	})

	it.each(['DROP TABLE `a`;', 'drop  table if exists a;', 'PRAGMA foreign_keys=OFF;', 'pragma foreign_keys = off;', 'CREATE TABLE `__new_a` (`id` text);'])('refuses %j', (text) => {
		expect(statement(text)).toHaveLength(1)
	})
})

describe('journalProblems', () => {
	const journal = { entries: [{ idx: 0, tag: '0000_initial' }, { idx: 1, tag: '0001_more' }] }
	const snapshots = ['0000_snapshot.json', '0001_snapshot.json']

	it('is silent when all agree', () => {
		expect(journalProblems({ journal, sql: ['0000_initial.sql', '0001_more.sql'], snapshots })).toEqual([])
	})

	it('names what does not agree', () => {
		expect(journalProblems({ journal, sql: ['0000_initial.sql', '0002_stray.sql'], snapshots: ['0000_snapshot.json'] })).toEqual([
			expect.stringContaining('0001_more.sql is in the journal and missing'),
			expect.stringContaining('0002_stray.sql is not in the journal'),
			expect.stringContaining('0001_more has no snapshot'),
		])
		expect(journalProblems({ journal: { entries: [{ idx: 1, tag: '0001_more' }] }, sql: ['0001_more.sql'], snapshots })).toHaveLength(1)
	})
})

describe('rewrittenProblems', () => {
	let root = ''
	const git = (...args: string[]) => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: root, stdio: 'ignore' })
	const write = (name: string, text: string) => writeFileSync(join(root, 'migrations', name), text)
	const commit = (message: string) => {
		git('add', '-A')
		git('commit', '-m', message)
	}

	beforeEach(() => {
		root = mkdtempSync(join(tmpdir(), 'vibehq-migrations-'))
		mkdirSync(join(root, 'migrations'))
		git('init')
	})
	afterEach(() => rmSync(root, { recursive: true, force: true }))

	it('has nothing to say before the first commit', () => {
		write('0000_a.sql', 'one')
		expect(rewrittenProblems(root)).toEqual([])
	})

	it('lets migrations be added', () => {
		write('0000_a.sql', 'one')
		commit('first')
		write('0001_b.sql', 'two')
		expect(rewrittenProblems(root)).toEqual([])
		commit('second')
		expect(rewrittenProblems(root)).toEqual([])
	})

	it('finds a change in the working tree, and after it was committed', () => {
		write('0000_a.sql', 'one')
		commit('first')
		write('0000_a.sql', 'changed')
		expect(rewrittenProblems(root)).toEqual([expect.stringContaining('since the last commit')])
		commit('second')
		expect(rewrittenProblems(root)).toEqual([expect.stringMatching(/0000_a\.sql: changed by commit [0-9a-f]+/)])
		rmSync(join(root, 'migrations', '0000_a.sql'))
		expect(rewrittenProblems(root)).toHaveLength(2)
		git('checkout', '--', '.')
		write('0001_b.sql', 'two')
		commit('third')
		expect(rewrittenProblems(root)).toEqual([])
	})

	it('looks at every commit that the main branch elsewhere does not have', () => {
		write('0000_a.sql', 'one')
		commit('first')
		git('update-ref', 'refs/remotes/origin/main', 'HEAD')
		expect(rewrittenProblems(root)).toEqual([])
		write('0000_a.sql', 'changed')
		commit('second')
		write('0001_b.sql', 'two')
		commit('third')
		expect(rewrittenProblems(root)).toEqual([expect.stringContaining('0000_a.sql: changed by commit')])
	})

	it('excuses a commit that gives its reason', () => {
		write('0000_a.sql', 'one')
		commit('first')
		write('0000_a.sql', 'changed')
		commit('second\n\nMigrations-Rewritten: no database holds it yet')
		expect(rewrittenProblems(root)).toEqual([])
	})
})
