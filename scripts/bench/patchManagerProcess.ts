import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectRoot } from '@shared/testing/stack'

/** The Patch Manager's merge in a Python that stays up, so that a patch does not pay for a start. */
export interface PatchManagerProcess {
	/** The merged text, or null for a conflict. One at a time. */
	merge(sides: { base: string; ours: string; theirs: string }): Promise<string | null>
	stop(): Promise<void>
}

const PROGRAM = `
import json, sys
sys.path.insert(0, sys.argv[1])
from patchmgr.merge import merge
for line in sys.stdin:
    merged = merge(*(side.encode() for side in json.loads(line))).text
    print(json.dumps(None if merged is None else merged.decode()), flush=True)
`

export function startPatchManager(): PatchManagerProcess {
	const child = spawn('python3', ['-c', PROGRAM, join(projectRoot, 'containers/patch-manager')], { stdio: ['pipe', 'pipe', 'inherit'] })
	const failed = new Promise<never>((_, reject) => {
		child.once('error', reject).once('exit', (code) => reject(new Error(`The Patch Manager ended with ${code} before it answered.`)))
	})
	failed.catch(() => undefined)
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
	return {
		async merge({ base, ours, theirs }) {
			child.stdin.write(`${JSON.stringify([base, ours, theirs])}\n`)
			const { value } = await Promise.race([lines.next(), failed])
			return JSON.parse(value ?? '')
		},
		async stop() {
			if (child.exitCode !== null || child.pid === undefined) return
			child.stdin.end()
			await once(child, 'exit')
		},
	}
}
