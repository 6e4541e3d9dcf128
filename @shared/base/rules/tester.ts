import { describe, it } from 'vitest'
import { RuleTester } from 'oxlint/plugins-dev'

RuleTester.describe = describe
RuleTester.it = it
RuleTester.itOnly = it.only

export const tester = new RuleTester({ languageOptions: { sourceType: 'module', parserOptions: { lang: 'ts' } } })
