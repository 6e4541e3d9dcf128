// House law that no stock rule knows. Plain JavaScript: editors load it under whatever Node they run on.
import { fileNameCase } from './rules/fileNameCase.mjs'
import { importLaw } from './rules/importLaw.mjs'
import { maxFunctionLines } from './rules/maxFunctionLines.mjs'
import { noAmbientEffects } from './rules/noAmbientEffects.mjs'
import { noDirectRPCRejects } from './rules/noDirectRPCRejects.mjs'
import { rpcPrivacy } from './rules/rpcPrivacy.mjs'

export default {
	meta: { name: 'vibehq' },
	rules: {
		'file-name-case': fileNameCase,
		'import-law': importLaw,
		'max-function-lines': maxFunctionLines,
		'no-ambient-effects': noAmbientEffects,
		'no-direct-rpc-rejects': noDirectRPCRejects,
		'rpc-privacy': rpcPrivacy,
	},
}
