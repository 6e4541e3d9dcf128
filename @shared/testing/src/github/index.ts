export { createFakeGitHub, makeAppKeys } from './fakeGitHub.ts'
export type { FakeGitHub } from './fakeGitHub.ts'
export type { Delivery, FakeApp, FakeGitHubOptions, FakeInstallation, FakeRepository, FakeToken, Fault, Permissions, RecordedCall, Role } from './types.ts'
