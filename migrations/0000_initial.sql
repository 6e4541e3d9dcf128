CREATE TABLE `ai_evaluations` (
	`id` text PRIMARY KEY NOT NULL,
	`prompt` text NOT NULL,
	`model` text NOT NULL,
	`judge_model` text,
	`round` integer DEFAULT 1 NOT NULL,
	`score` real,
	`criteria` text DEFAULT '[]' NOT NULL,
	`verdict` text,
	`output` text,
	`duration_ms` integer,
	`cost_micro_usd` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE TABLE `ai_provider_assignments` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`task_uuid` text NOT NULL,
	`provider_name` text NOT NULL,
	`provider_type` text NOT NULL,
	`status` text NOT NULL,
	`execution_id` text,
	`route` text NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ai_provider_assignments_of_task` ON `ai_provider_assignments` (`task_uuid`,`id`);--> statement-breakpoint
CREATE TABLE `ai_provider_configs` (
	`provider_name` text PRIMARY KEY NOT NULL,
	`api_endpoint` text,
	`default_model` text,
	`rate_limits` text,
	`cost_per_token` real,
	`enabled` integer DEFAULT 1 NOT NULL,
	`mode` text,
	`circuit` text DEFAULT 'closed' NOT NULL,
	`consecutive_failures` integer DEFAULT 0 NOT NULL,
	`parked_until` integer,
	`last_error_code` text,
	`last_error_message` text,
	`last_error_at` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE TABLE `ai_provider_executions` (
	`execution_id` text PRIMARY KEY NOT NULL,
	`provider_name` text NOT NULL,
	`provider_type` text NOT NULL,
	`task_uuid` text NOT NULL,
	`order_id` text NOT NULL,
	`model` text,
	`input` text NOT NULL,
	`output` text,
	`patch_data` text,
	`status` text NOT NULL,
	`phase` text NOT NULL,
	`attempt` integer DEFAULT 1 NOT NULL,
	`route` text NOT NULL,
	`workspace_id` text,
	`base_commit` text,
	`base_tree` text,
	`candidate_commit` text,
	`candidate_tree` text,
	`landed_commit` text,
	`container_task_id` text,
	`error` text,
	`next_execution_id` text,
	`cancel_reason` text,
	`usage` text,
	`cost_micro_usd` integer DEFAULT 0 NOT NULL,
	`unpriced_calls` integer DEFAULT 0 NOT NULL,
	`model_calls` integer DEFAULT 0 NOT NULL,
	`budget_micro_usd` integer,
	`held_micro_usd` integer DEFAULT 0 NOT NULL,
	`phases_at` text DEFAULT '{}' NOT NULL,
	`runner_phases_ms` text DEFAULT '{}' NOT NULL,
	`duration_ms` integer,
	`enqueued_at` integer,
	`seen_at` integer,
	`started_at` integer,
	`completed_at` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ai_provider_executions_of_task` ON `ai_provider_executions` (`task_uuid`,`created_at`,`execution_id`);--> statement-breakpoint
CREATE INDEX `ai_provider_executions_newest` ON `ai_provider_executions` (`created_at`,`execution_id`);--> statement-breakpoint
CREATE INDEX `ai_provider_executions_open` ON `ai_provider_executions` (`seen_at`,`execution_id`) WHERE completed_at is null;--> statement-breakpoint
CREATE INDEX `ai_provider_executions_of_provider` ON `ai_provider_executions` (`provider_name`,`status`);--> statement-breakpoint
CREATE UNIQUE INDEX `ai_provider_executions_one_live` ON `ai_provider_executions` (`task_uuid`) WHERE completed_at is null;--> statement-breakpoint
CREATE TABLE `ai_routing_decisions` (
	`id` text PRIMARY KEY NOT NULL,
	`prompt_digest` text NOT NULL,
	`route` text NOT NULL,
	`model` text NOT NULL,
	`rule` text NOT NULL,
	`scores` text DEFAULT '{}' NOT NULL,
	`attempts` text DEFAULT '[]' NOT NULL,
	`duration_ms` integer,
	`cost_micro_usd` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ai_routing_decisions_newest` ON `ai_routing_decisions` (`created_at`);--> statement-breakpoint
CREATE TABLE `ai_structured_outputs` (
	`id` text PRIMARY KEY NOT NULL,
	`schema_digest` text NOT NULL,
	`schema` text NOT NULL,
	`prompt` text NOT NULL,
	`output` text,
	`raw` text,
	`repaired` integer DEFAULT 0 NOT NULL,
	`error` text,
	`model` text,
	`duration_ms` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE TABLE `ai_tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`title` text NOT NULL,
	`status` text NOT NULL,
	`details` text,
	`completed_at` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ai_tasks_of_agent` ON `ai_tasks` (`agent_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `ai_tasks_hitl` (
	`id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`action` text NOT NULL,
	`args` text NOT NULL,
	`args_digest` text NOT NULL,
	`status` text NOT NULL,
	`decided_by` text,
	`reason` text,
	`result` text,
	`expires_at` integer NOT NULL,
	`decided_at` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ai_tasks_hitl_pending` ON `ai_tasks_hitl` (`expires_at`) WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX `ai_tasks_hitl_of_agent` ON `ai_tasks_hitl` (`agent_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `ai_tool_call_streams` (
	`id` text PRIMARY KEY NOT NULL,
	`conversation_id` text NOT NULL,
	`status` text NOT NULL,
	`chunk_count` integer DEFAULT 0 NOT NULL,
	`text` text,
	`error` text,
	`completed_at` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE TABLE `ai_tool_calls` (
	`id` text PRIMARY KEY NOT NULL,
	`conversation_id` text NOT NULL,
	`tool_name` text NOT NULL,
	`input` text NOT NULL,
	`output` text,
	`status` text NOT NULL,
	`error` text,
	`duration_ms` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ai_tool_calls_of_conversation` ON `ai_tool_calls` (`conversation_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `container_health_checks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`instance_id` text NOT NULL,
	`status` text NOT NULL,
	`status_code` integer,
	`latency_ms` integer,
	`detail` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `container_health_checks_of_instance` ON `container_health_checks` (`instance_id`,`id`);--> statement-breakpoint
CREATE TABLE `container_instances` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`instance_id` text NOT NULL,
	`state` text NOT NULL,
	`port` integer DEFAULT 8080 NOT NULL,
	`last_health_check` integer,
	`degraded` integer DEFAULT 0 NOT NULL,
	`draining` integer DEFAULT 0 NOT NULL,
	`generation` integer DEFAULT 1 NOT NULL,
	`detail` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `container_instances_name` ON `container_instances` (`worker_name`,`instance_id`);--> statement-breakpoint
CREATE INDEX `container_instances_of_state` ON `container_instances` (`worker_name`,`state`);--> statement-breakpoint
CREATE TABLE `container_task_evidence` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`task_id` text NOT NULL,
	`execution_id` text,
	`kind` text NOT NULL,
	`reason` text NOT NULL,
	`lease_token_hash` text NOT NULL,
	`body` text,
	`object_key` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `container_task_evidence_of_task` ON `container_task_evidence` (`task_id`,`id`);--> statement-breakpoint
CREATE TABLE `container_tasks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`task_id` text NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`priority` integer DEFAULT 0 NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`task_type` text NOT NULL,
	`command` text DEFAULT '[]' NOT NULL,
	`parameters` text DEFAULT '{}' NOT NULL,
	`requires` text,
	`target_container` text,
	`execution_id` text,
	`idempotency_key` text,
	`assigned_to` text,
	`outcome` text,
	`output` text,
	`output_key` text,
	`error` text,
	`attempt` integer DEFAULT 0 NOT NULL,
	`max_attempts` integer DEFAULT 3 NOT NULL,
	`timeout_ms` integer NOT NULL,
	`lease_token` text,
	`lease_expires_at` integer,
	`run_after` integer DEFAULT 0 NOT NULL,
	`cancel_reason` text,
	`assigned_at` integer,
	`started_at` integer,
	`completed_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `container_tasks_task_id_unique` ON `container_tasks` (`task_id`);--> statement-breakpoint
CREATE INDEX `container_tasks_claim` ON `container_tasks` (priority desc,`id`) WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX `container_tasks_lapse` ON `container_tasks` (`lease_expires_at`) WHERE status in ('assigned', 'running');--> statement-breakpoint
CREATE INDEX `container_tasks_of_execution` ON `container_tasks` (`execution_id`,`id`);--> statement-breakpoint
CREATE INDEX `container_tasks_of_status` ON `container_tasks` (`status`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `container_tasks_once` ON `container_tasks` (`worker_name`,`idempotency_key`) WHERE idempotency_key is not null;--> statement-breakpoint
CREATE TABLE `followups` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`order_id` text,
	`task_uuid` text,
	`type` text NOT NULL,
	`impact_level` integer DEFAULT 3 NOT NULL,
	`status` text DEFAULT 'open' NOT NULL,
	`note` text NOT NULL,
	`data` text,
	`resolved_at` integer,
	`github_issue_id` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `followups_open` ON `followups` (`impact_level`,`id`) WHERE status = 'open';--> statement-breakpoint
CREATE UNIQUE INDEX `followups_once` ON `followups` (`task_uuid`,`type`,`note`);--> statement-breakpoint
CREATE TABLE `gateway_calls` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`execution_id` text NOT NULL,
	`provider_name` text NOT NULL,
	`model` text,
	`status` integer NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`cache_read_tokens` integer DEFAULT 0 NOT NULL,
	`cache_write_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micro_usd` integer,
	`pricing` text,
	`duration_ms` integer NOT NULL,
	`error_code` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `gateway_calls_of_execution` ON `gateway_calls` (`execution_id`,`id`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`key` text PRIMARY KEY NOT NULL,
	`request_hash` text NOT NULL,
	`response` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_oldest` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
CREATE TABLE `operation_logs` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`source` text NOT NULL,
	`operation` text NOT NULL,
	`level` text DEFAULT 'info' NOT NULL,
	`order_id` text,
	`task_uuid` text,
	`execution_id` text,
	`details` text DEFAULT '{}' NOT NULL,
	`trace_id` text,
	`duration_ms` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `operation_logs_of_execution` ON `operation_logs` (`execution_id`,`id`);--> statement-breakpoint
CREATE INDEX `operation_logs_of_order` ON `operation_logs` (`order_id`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `operation_logs_once` ON `operation_logs` (`execution_id`,`operation`,`trace_id`) WHERE trace_id is not null;--> statement-breakpoint
CREATE TABLE `orders` (
	`id` text PRIMARY KEY NOT NULL,
	`prompt` text NOT NULL,
	`task_type` text NOT NULL,
	`workspace_id` text,
	`workspace_ref` text NOT NULL,
	`branch` text NOT NULL,
	`commit_id` text,
	`status` text NOT NULL,
	`priority` text NOT NULL,
	`cost_profile` text NOT NULL,
	`budget_usd` real,
	`provider` text,
	`preferred_model` text,
	`validate_commands` text DEFAULT '[]' NOT NULL,
	`factory` text,
	`context` text,
	`wall_clock_ms` integer NOT NULL,
	`stall_ms` integer NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `orders_newest` ON `orders` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `orders_of_worker` ON `orders` (`worker_name`,`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `patch_events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`patch_id` text NOT NULL,
	`event_type` text NOT NULL,
	`status` text NOT NULL,
	`metadata` text DEFAULT '{}' NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `patch_events_of_patch` ON `patch_events` (`patch_id`,`id`);--> statement-breakpoint
CREATE TABLE `patch_sets` (
	`patch_set_id` text PRIMARY KEY NOT NULL,
	`execution_id` text NOT NULL,
	`task_uuid` text NOT NULL,
	`order_id` text NOT NULL,
	`base_commit` text NOT NULL,
	`body` text,
	`object_key` text,
	`sha256` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`file_count` integer NOT NULL,
	`patch_count` integer NOT NULL,
	`status` text NOT NULL,
	`error` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `patch_sets_of_execution` ON `patch_sets` (`execution_id`);--> statement-breakpoint
CREATE INDEX `patch_sets_of_order` ON `patch_sets` (`order_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `tasks` (
	`uuid` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`task_type` text NOT NULL,
	`prompt` text NOT NULL,
	`status` text NOT NULL,
	`provider` text,
	`execution_id` text,
	`error` text,
	`parent_task_uuid` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `tasks_of_order` ON `tasks` (`order_id`,`created_at`,`uuid`);--> statement-breakpoint
CREATE TABLE `workspaces` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`repository` text NOT NULL,
	`default_branch` text NOT NULL,
	`import_url` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
