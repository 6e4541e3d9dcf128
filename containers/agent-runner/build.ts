import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

// Writes dist/runner.mjs and dist/image-setup.mjs: each one file without dependencies, for the Node 22 of the image.
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

await build({
	entryPoints: { runner: here('./src/main.ts'), 'image-setup': here('./src/imageSetup.ts') },
	outdir: here('./dist'),
	outExtension: { '.js': '.mjs' },
	bundle: true,
	platform: 'node',
	format: 'esm',
	target: 'node22',
	legalComments: 'none',
	logLevel: 'warning',
})
