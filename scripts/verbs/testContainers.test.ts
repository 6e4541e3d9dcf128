import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { run } from './testContainers.ts'

/** A PATH on which there is this `docker` only, or none. */
function usePath(docker?: string): void {
	if (docker !== undefined) writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${docker}\n`)
	if (docker !== undefined) chmodSync(join(folder, 'docker'), 0o755)
	vi.stubEnv('PATH', folder)
}

let folder: string
let said: string[]
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'no-docker-'))
	said = []
	for (const stream of ['log', 'error'] as const) vi.spyOn(console, stream).mockImplementation((line: string) => void said.push(line))
	vi.stubEnv('REQUIRE_CONTAINERS', undefined)
})
afterEach(() => {
	vi.unstubAllEnvs()
	vi.restoreAllMocks()
	rmSync(folder, { recursive: true })
})

describe('npm run test:containers', () => {
	it('says that Docker is missing, and fails only where it was asked for', async () => {
		usePath()
		expect(await run([])).toBe(0)
		expect(said).toEqual([expect.stringMatching(/did not run: Docker cannot be used here \(could not run docker/)])
		vi.stubEnv('REQUIRE_CONTAINERS', '1')
		expect(await run([])).toBe(1)
		expect(said[1]).toMatch(/REQUIRE_CONTAINERS=1 asks for them/)
	})

	it('says what Docker said of itself', async () => {
		usePath('echo "Cannot connect to the Docker daemon" >&2; exit 1')
		expect(await run([])).toBe(0)
		expect(said).toEqual([expect.stringContaining('(Cannot connect to the Docker daemon)')])
	})

	it('takes no arguments', async () => {
		expect(await run(['--all'])).toBe(2)
		expect(said).toEqual([expect.stringContaining('takes no arguments')])
	})
})
