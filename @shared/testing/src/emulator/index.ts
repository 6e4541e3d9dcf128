// A stand-in for the model APIs that the agent CLIs call: real wire formats, scripted answers, and its name in each of them.
export { createEmulator } from './emulator.ts'
export type { Emulator, EmulatorOptions, RecordedRequest } from './emulator.ts'
export { startEmulator } from './server.ts'
export type { RunningEmulator, StartEmulatorOptions } from './server.ts'
export { EMULATOR_NAME, SIGNATURE } from './types.ts'
