CREATE TABLE `container_task_dependencies` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`task_id` text NOT NULL,
	`depends_on` text NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `container_task_dependencies_once` ON `container_task_dependencies` (`task_id`,`depends_on`);--> statement-breakpoint
CREATE INDEX `container_task_dependencies_of` ON `container_task_dependencies` (`depends_on`,`task_id`);--> statement-breakpoint
CREATE TABLE `container_task_plans` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`plan_id` text NOT NULL,
	`task_ids` text NOT NULL,
	`idempotency_key` text,
	`request_hash` text NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `container_task_plans_plan_id_unique` ON `container_task_plans` (`plan_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `container_task_plans_once` ON `container_task_plans` (`worker_name`,`idempotency_key`) WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX `container_task_plans_oldest` ON `container_task_plans` (`created_at`);--> statement-breakpoint
CREATE TABLE `container_task_shares` (
	`worker_name` text PRIMARY KEY NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`running` integer DEFAULT 0 NOT NULL,
	`max_running` integer,
	`served` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `container_task_shares_served` ON `container_task_shares` (`served`);--> statement-breakpoint
DROP INDEX `container_tasks_claim`;--> statement-breakpoint
ALTER TABLE `container_tasks` ADD `target_worker` text;--> statement-breakpoint
ALTER TABLE `container_tasks` ADD `plan_id` text;--> statement-breakpoint
ALTER TABLE `container_tasks` ADD `plan_key` text;--> statement-breakpoint
ALTER TABLE `container_tasks` ADD `blocked_by` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `container_tasks` ADD `on_dependency_failure` text DEFAULT 'fail' NOT NULL;--> statement-breakpoint
CREATE INDEX `container_tasks_due` ON `container_tasks` (`run_after`) WHERE status = 'pending' and run_after > 0 and blocked_by = 0;--> statement-breakpoint
CREATE INDEX `container_tasks_of_worker` ON `container_tasks` (`worker_name`,`id`);--> statement-breakpoint
CREATE INDEX `container_tasks_of_worker_status` ON `container_tasks` (`worker_name`,`status`,`id`);--> statement-breakpoint
CREATE INDEX `container_tasks_of_plan` ON `container_tasks` (`plan_id`,`id`) WHERE plan_id is not null;--> statement-breakpoint
CREATE INDEX `container_tasks_closed` ON `container_tasks` (`completed_at`) WHERE status in ('completed', 'failed');--> statement-breakpoint
CREATE INDEX `container_tasks_claim` ON `container_tasks` (`target_worker`,`target_container`,`task_type`,`requires`,`worker_name`,priority desc,`id`) WHERE status = 'pending' and run_after = 0 and blocked_by = 0;