// Writes apply.json: `node vectors/generate.ts`. The blob ids come from git's own rule, everything else is written by hand in cases.ts.
import { writeFileSync } from 'node:fs'
import { renderVectors } from './render.ts'

writeFileSync(new URL('apply.json', import.meta.url), await renderVectors())
