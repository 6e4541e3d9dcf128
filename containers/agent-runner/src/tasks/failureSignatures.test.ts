import { describe, expect, it } from 'vitest'
import { failureSignatures } from './failureSignatures.ts'

const WORK = '/cache/runs/7-a1b2/work'
const dirs = { root: '/cache/runs/7-a1b2', work: WORK, home: '/cache/runs/7-a1b2/home', tmp: '/cache/runs/7-a1b2/tmp' }
const named = (output: string): [string, number][] => [...failureSignatures(output, dirs)]
const names = (output: string): string[] => named(output).map(([name]) => name)

/** What the programs print, shortened where only the repetition was left out. */
const SAMPLES: [program: string, output: string, expected: string[]][] = [
	['tsc', "t.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.\nsrc/b.ts(20,1): error TS2304: Cannot find name 'foo'.\n", [
		"t.ts: error TS2322: Type 'string' is not assignable to type 'number'.",
		"src/b.ts: error TS2304: Cannot find name 'foo'.",
	]],
	['tsc --pretty', '\u001b[96mt.ts\u001b[0m:\u001b[93m1\u001b[0m:\u001b[93m7\u001b[0m - \u001b[91merror\u001b[0m\u001b[90m TS2322: \u001b[0mType \'string\' is not assignable.\n\n\u001b[7m1\u001b[0m const x: number = "a"\n\nFound 1 error in t.ts:1\n', [
		"t.ts: error TS2322: Type 'string' is not assignable.",
	]],
	['tsc without a project', `error TS5058: The specified path does not exist: '${WORK}/nowhere.json'.\n`, ["error TS5058: The specified path does not exist: 'nowhere.json'."]],
	['node:test as TAP', `TAP version 13
# Subtest: suite
    # Subtest: inner fails
    not ok 1 - inner fails
      ---
      duration_ms: 1.56345
      location: '${WORK}/a.test.js:3:27'
      ...
    # Subtest: inner passes
    ok 2 - inner passes
not ok 1 - suite
not ok 3 - todo one # TODO
not ok 4 - later # SKIP
1..3
# fail 2
`, ['not ok - inner fails', 'not ok - suite']],
	['node:test', `▶ suite
  ✖ inner fails (1.560516ms)
  ✔ inner passes (0.193047ms)
✖ suite (3.192147ms)
⚠ todo one (1.424484ms) # TODO
ℹ fail 2

✖ failing tests:

test at a.test.js:3:27
✖ inner fails (1.560516ms)
  AssertionError [ERR_ASSERTION]: 1 == 2
      at TestContext.<anonymous> (file://${WORK}/a.test.js:3:58)
`, ['✖ inner fails', '✖ suite']],
	['vitest', ` ❯ a.test.ts (3 tests | 1 failed) 7ms
   ❯ suite (2)
     × inner fails 6ms
     ✓ ok 0ms
⎯⎯⎯⎯⎯⎯ Failed Suites 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  b.test.ts [ b.test.ts ]
Error: Cannot find module './missing.ts' imported from ${WORK}/b.test.ts
 ❯ b.test.ts:1:1
 FAIL  a.test.ts > suite > inner fails
AssertionError: expected 1 to be 2 // Object.is equality
⎯⎯⎯⎯⎯⎯ Unhandled Errors ⎯⎯⎯⎯⎯⎯
⎯⎯⎯⎯ Unhandled Rejection ⎯⎯⎯⎯⎯
Error: late
 Test Files  2 failed (2)
`, ['✖ inner fails', 'FAIL b.test.ts [ b.test.ts ]', 'FAIL a.test.ts > suite > inner fails', 'Unhandled Errors', 'Unhandled Rejection']],
	['jest', `FAIL ./a.test.js (5.2 s)
  ● Console
    console.log
      x
  ● suite › adds

    expect(received).toBe(expected) // Object.is equality

    > 1 | describe("suite", () => {})
      at Object.toBe (a.test.js:1:65)

FAIL ./b.test.js
  ● Test suite failed to run

    Cannot find module './missing.js' from 'b.test.js'

Test Suites: 2 failed, 2 total
`, ['FAIL ./a.test.js', '● suite › adds', 'FAIL ./b.test.js', '● Test suite failed to run']],
	['eslint', `
${WORK}/bad.js
  2:1  error  Parsing error: Unexpected token

${WORK}/l.js
  1:7  error    'x' is assigned a value but never used  no-unused-vars
  2:1  warning  Unexpected 'debugger' statement         no-debugger
  3:1  error    'foo' is not defined                    no-undef

✖ 4 problems (3 errors, 1 warning)
`, ['bad.js: Parsing error: Unexpected token', "l.js: 'x' is assigned a value but never used no-unused-vars", "l.js: 'foo' is not defined no-undef"]],
	['oxlint', `
  x Expected \`)\` but found \`EOF\`
   ,-[bad.js:3:1]
 2 | foo(
   \`----

  × eslint(no-debugger): \`debugger\` statement is not allowed
   ╭─[src/l.js:1:1]
 1 │ debugger
   ╰────

Found 0 warnings and 2 errors.
`, ['bad.js: Expected `)` but found `EOF`', 'src/l.js: eslint(no-debugger): `debugger` statement is not allowed']],
	['oxlint -f unix', 'l.js:1:1: `debugger` statement is not allowed [Error/eslint(no-debugger)]\nl.js:2:1: Shadowed. [Warning/eslint(no-shadow)]\n\n2 problems\n', [
		'l.js: `debugger` statement is not allowed [Error/eslint(no-debugger)]',
	]],
	['pytest', `test_a.py:4: AssertionError
=========================== short test summary info ============================
FAILED test_a.py::test_one[x - y] - AssertionError: assert 'x - y' == 1
FAILED tests/test_a.py::TestX::test_two
ERROR test_a.py::test_fixture - ValueError: no
ERROR test_b.py
2 failed, 1 passed, 1 error in 0.99s
`, ['FAILED test_a.py::test_one[x - y]', 'FAILED tests/test_a.py::TestX::test_two', 'ERROR test_a.py::test_fixture', 'ERROR test_b.py']],
	['unittest', `F
======================================================================
FAIL: test_u (u.T.test_u) (seed=3)
----------------------------------------------------------------------
Traceback (most recent call last):
AssertionError: 1 != 2
`, ['FAIL: test_u (u.T.test_u) (seed=3)']],
	['go test', `# example.org/m/broken
broken/b.go:5:2: undefined: missing
--- FAIL: TestParse (0.00s)
    --- FAIL: TestParse/empty (0.00s)
        parse_test.go:12: got 3, want 4
FAIL
FAIL\texample.org/m/parse\t0.013s
FAIL\texample.org/m/broken [build failed]
ok  \texample.org/m/fine\t0.002s
`, ['broken/b.go: undefined: missing', '--- FAIL: TestParse', '--- FAIL: TestParse/empty', 'FAIL example.org/m/parse', 'FAIL example.org/m/broken']],
	['cargo', `   Compiling x v0.1.0 (${WORK})
error[E0425]: cannot find value \`y\` in this scope
 --> src/lib.rs:1:28
  |
1 | fn f() { y }

error: expected one of \`;\`
  --> src/other.rs:2:1
test it_fails ... FAILED
test src/lib.rs - f (line 7) ... FAILED
test ok ... ok

thread 'it_fails' (7527) panicked at src/lib.rs:2:17:
test result: FAILED. 1 passed; 1 failed; 0 ignored; finished in 0.09s
error: could not compile \`x\` (lib) due to 2 previous errors
`, ['src/lib.rs: error[E0425]: cannot find value `y` in this scope', 'src/other.rs: error: expected one of `;`', 'test it_fails', 'test src/lib.rs - f']],
]

describe('failureSignatures', () => {
	it.each(SAMPLES)('reads %s', (_program, output, expected) => {
		expect(names(output)).toEqual(expected)
	})

	it.each<[string, string]>([
		['nothing', ''],
		['prose', 'error: something went wrong\nERROR: could not install\nFAIL\nfailed with 3 errors\nnpm error code ELIFECYCLE\n'],
		['passing tests', 'ok 1 - fine\n✔ fine (1ms)\n ✓ fine 1ms\nPASS a.test.js\n--- PASS: TestX (0.00s)\ntest ok ... ok\nFound 0 warnings and 0 errors.\n'],
		['a line without an end', `not ok 1 - ${'x'.repeat(3000)}`],
	])('names nothing in %s', (_what, output) => {
		expect(named(output)).toEqual([])
	})

	it('gives the same names whatever the directory, the lines, the times, the colours and the alignment', () => {
		const here = `not ok 1 - reads ${dirs.tmp}/x-7f3\n✖ waits 30 ms (1.5ms)\n\u001b[31m FAIL \u001b[39m a.test.ts:3:1 > x\n${WORK}/l.js\n  1:7  error  'x'  no-undef\nnot ok at 0x7ffe12\nnot ok 3 - makes /tmp/vite-8ab/f`
		const there = `not ok 4 - reads /elsewhere/tmp/x-111\n✖ waits 31.5 ms (12.25ms)\n FAIL  a.test.ts:30:2 > x\n/elsewhere/work/l.js\r\n  11:70  error    'x'      no-undef\nnot ok at 0x1\nnot ok 9 - makes /tmp/vite-9/f`
		const elsewhere = { root: '/elsewhere', work: '/elsewhere/work', home: '/elsewhere/home', tmp: '/elsewhere/tmp' }
		expect(named(here)).toHaveLength(6)
		expect([...failureSignatures(there, elsewhere)]).toEqual(named(here))
	})

	it('counts what is named more than once', () => {
		expect(named("a.ts(1,1): error TS2304: Cannot find name 'x'.\na.ts(9,1): error TS2304: Cannot find name 'x'.\n")).toEqual([["a.ts: error TS2304: Cannot find name 'x'.", 2]])
	})
})
