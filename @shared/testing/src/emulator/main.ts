import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startEmulator } from './server.ts'
import { EMULATOR_NAME } from './types.ts'

// node main.ts --port 0 --host 127.0.0.1 --scenarios file.json [--log]
// Prints one line of JSON, {"url"}, on stdout when it is ready. SIGTERM and SIGINT stop it. `--log` prints a line per request.

const { values } = parseArgs({
	options: {
		port: { type: 'string', default: '0' },
		host: { type: 'string', default: '127.0.0.1' },
		scenarios: { type: 'string' },
		log: { type: 'boolean', default: false },
	},
})

try {
	const emulator = await startEmulator({
		port: Number(values.port),
		host: values.host,
		scenarios: await readScenarios(values.scenarios),
		onAnswer({ provider, method, path, scenario, status }) {
			if (values.log) process.stderr.write(`${JSON.stringify({ provider, method, path, scenario, status })}\n`)
		},
	})
	process.stderr.write(`${EMULATOR_NAME}: scripted stand-in for the OpenAI, Anthropic and Gemini APIs. No model answers here.\n`)
	process.stdout.write(`${JSON.stringify({ url: emulator.url, emulator: EMULATOR_NAME })}\n`)
	process.once('SIGTERM', () => void emulator.close())
	process.once('SIGINT', () => void emulator.close())
} catch (error) {
	process.stderr.write(`${EMULATOR_NAME} could not start: ${error instanceof Error ? error.message : String(error)}\n`)
	process.exitCode = 1
}

async function readScenarios(file: string | undefined): Promise<unknown> {
	return file === undefined ? [] : JSON.parse(await readFile(file, 'utf8'))
}
