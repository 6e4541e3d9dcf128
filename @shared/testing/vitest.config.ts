import { defineConfig } from 'vitest/config'

// Tests that call git, on a machine with much else to do.
export default defineConfig({ test: { testTimeout: 30_000 } })
