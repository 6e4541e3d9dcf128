// The whole D1 schema. Only repositories import it; its SQL history is the top-level migrations folder.
export { ai_evaluations, ai_routing_decisions, ai_structured_outputs, ai_tasks, ai_tasks_hitl, ai_tool_call_streams, ai_tool_calls } from './schema/ai.ts'
export { container_health_checks, container_instances, container_task_dependencies, container_task_evidence, container_task_plans, container_task_shares, container_tasks } from './schema/containers.ts'
export { followups, idempotency_keys, orders, tasks, webhook_deliveries, workspaces } from './schema/orders.ts'
export { patch_batches, patch_collisions, patch_events, patch_footprints, patch_landed_files, patch_sets } from './schema/patches.ts'
export { ai_provider_assignments, ai_provider_configs, ai_provider_executions, gateway_calls, jules_sessions, operation_logs } from './schema/providers.ts'
