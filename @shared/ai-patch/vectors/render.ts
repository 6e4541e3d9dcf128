import { blobId } from '../src/gitObjects.ts'
import { accepted } from './accepted.ts'
import { type Content, content, type VectorCase } from './case.ts'
import { merges } from './merges.ts'
import { refused } from './refused.ts'

/** The whole of apply.json: one case a line, so that a change shows as the cases it touches. */
export async function renderVectors(): Promise<string> {
	const lines: string[] = []
	for (const vector of [...accepted, ...refused]) lines.push(`\t${JSON.stringify(await complete(vector))}`)
	return `[\n${lines.join(',\n')}\n]\n`
}

/** The whole of merge.json. */
export function renderMerges(): string {
	return `[\n${merges.map((vector) => `\t${JSON.stringify(vector)}`).join(',\n')}\n]\n`
}

async function complete({ name, base, files, patches, expect }: VectorCase) {
	const after = 'files' in expect ? expect.files : {}
	const changes = []
	for (const { result, ...file } of files) {
		const source = base[file.from ?? file.path]
		const target = result ?? after[file.path] ?? 'never reached\n'
		changes.push({
			mode: '100644',
			base_blob: file.change === 'create' ? null : await blobId(content(source ?? 'gone\n').bytes),
			result_blob: file.change === 'delete' ? null : await blobId(content(target).bytes),
			...file,
		})
	}
	const metadata = { provider: 'codex' }
	return {
		name,
		base: tree(base),
		patch_set: {
			patch_set_id: 'PST-0000000000000000',
			task_id: 'TSK-000000000000',
			execution_id: 'EXE-0000000000000000',
			base_commit: '0'.repeat(40),
			files: changes,
			patches: patches.map((patch) => ({ task_id: 'TSK-000000000000', ...patch, metadata })),
			summary: '',
			metadata,
		},
		expect: 'files' in expect ? { files: tree(expect.files) } : expect,
	}
}

function tree(files: Record<string, Content>) {
	return Object.fromEntries(Object.entries(files).map(([path, file]) => [path, content(file).json]))
}
