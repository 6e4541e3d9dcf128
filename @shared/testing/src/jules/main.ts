import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { createFakeJules } from './fakeJules.ts'
import { FAKE_JULES_NAME } from './googleErrors.ts'
import type { FakeSource } from './workspace.ts'

// node main.ts --port 0 --host 127.0.0.1 --scenarios file.json --source owner/repo[=gitDir] --key K
// Prints one line of JSON, {"url"}, on stdout when it is ready. SIGTERM and SIGINT stop it. --source and --key may be repeated.

const { values } = parseArgs({
	options: {
		port: { type: 'string', default: '0' },
		host: { type: 'string', default: '127.0.0.1' },
		scenarios: { type: 'string' },
		source: { type: 'string', multiple: true, default: [] },
		key: { type: 'string', multiple: true, default: [] },
	},
})

try {
	const fake = await createFakeJules({
		port: Number(values.port),
		host: values.host,
		apiKeys: values.key,
		sources: values.source.map(readSource),
		scenarios: values.scenarios === undefined ? [] : JSON.parse(await readFile(values.scenarios, 'utf8')),
	})
	process.stderr.write(`${FAKE_JULES_NAME}: scripted stand-in for the Jules API. No agent works here.\n`)
	process.stdout.write(`${JSON.stringify({ url: fake.url, emulator: FAKE_JULES_NAME })}\n`)
	process.once('SIGTERM', () => void fake.close())
	process.once('SIGINT', () => void fake.close())
} catch (error) {
	process.stderr.write(`${FAKE_JULES_NAME} could not start: ${error instanceof Error ? error.message : String(error)}\n`)
	process.exitCode = 1
}

function readSource(text: string): FakeSource {
	const [, owner, repo, gitDir] = /^([^/=]+)\/([^/=]+)(?:=(.+))?$/.exec(text) ?? []
	if (owner === undefined || repo === undefined) throw new Error(`--source ${text} is not owner/repo or owner/repo=gitDir.`)
	return { owner, repo, ...(gitDir === undefined ? {} : { gitDir }) }
}
