// A stand-in for the Jules API: its methods, errors and traps over HTTP, scripted sessions with real diffs, and its name in each answer.
export { createFakeJules } from './fakeJules.ts'
export type { FakeJules, FakeJulesOptions, RecordedCall } from './fakeJules.ts'
export { FAKE_JULES_NAME } from './googleErrors.ts'
export type { JulesFault, JulesMethod, JulesScenario, JulesStep } from './scenario.ts'
export type { FakeSource } from './workspace.ts'
export { SDK_ARTIFACTS, SDK_OUTPUTS, SDK_SESSION, SDK_SOURCE } from './sdkShapes.ts'
