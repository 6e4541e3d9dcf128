import { defineConfig } from 'vitest/config'

// These tests run programs and wait for them: two files at a time, and with patience on a busy machine.
export default defineConfig({ test: { maxWorkers: 2, testTimeout: 30_000, hookTimeout: 60_000 } })
