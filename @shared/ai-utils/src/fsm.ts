// Finite state machines with typed states and events. `transition` is the pure core, fit for rows of a table; `createMachine`
// holds a position, runs hooks and queues what they send. What a machine does not allow is an error, never silence.
export { defineMachine } from './fsm/definition.ts'
export type { MachineDefinition, MachineEvent, Position, Rule } from './fsm/definition.ts'
export { createMachine } from './fsm/machine.ts'
export type { Hook, Machine, MachineOptions } from './fsm/machine.ts'
export { parseSnapshot, SnapshotError } from './fsm/snapshot.ts'
export type { Snapshot } from './fsm/snapshot.ts'
export { allowedEvents, transition, TransitionError } from './fsm/transition.ts'
export type { RefusalReason, Transition } from './fsm/transition.ts'
