// Writes apply.json and merge.json: `node vectors/generate.ts`. The blob ids come from git's own rule, everything else is written by hand in accepted.ts, refused.ts and merges.ts.
import { writeFileSync } from 'node:fs'
import { renderMerges, renderVectors } from './render.ts'

writeFileSync(new URL('apply.json', import.meta.url), await renderVectors())
writeFileSync(new URL('merge.json', import.meta.url), renderMerges())
