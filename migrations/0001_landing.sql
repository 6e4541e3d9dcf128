CREATE TABLE `jules_sessions` (
	`execution_id` text PRIMARY KEY NOT NULL,
	`session_name` text,
	`session_url` text,
	`source` text,
	`state` text DEFAULT 'STATE_UNSPECIFIED' NOT NULL,
	`memory` text DEFAULT '{}' NOT NULL,
	`pull_request_url` text,
	`started_at` integer,
	`ended_at` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `jules_sessions_name` ON `jules_sessions` (`session_name`) WHERE session_name is not null;--> statement-breakpoint
CREATE INDEX `jules_sessions_started` ON `jules_sessions` (`started_at`);--> statement-breakpoint
CREATE TABLE `patch_batches` (
	`batch_id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`patch_set_id` text NOT NULL,
	`workspace_id` text NOT NULL,
	`branch` text NOT NULL,
	`order_id` text,
	`request_hash` text NOT NULL,
	`input` text NOT NULL,
	`status` text NOT NULL,
	`candidate` text,
	`commit_id` text,
	`error` text,
	`seen_at` integer NOT NULL,
	`completed_at` integer,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `patch_batches_of_set` ON `patch_batches` (`patch_set_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `patch_batches_newest` ON `patch_batches` (`created_at`,`batch_id`);--> statement-breakpoint
CREATE INDEX `patch_batches_open` ON `patch_batches` (`seen_at`,`batch_id`) WHERE completed_at is null;--> statement-breakpoint
CREATE TABLE `patch_collisions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`workspace_id` text NOT NULL,
	`first_subject` text NOT NULL,
	`second_subject` text NOT NULL,
	`path` text NOT NULL,
	`kind` text NOT NULL,
	`ranges` text DEFAULT '[]' NOT NULL,
	`is_certain` integer DEFAULT 0 NOT NULL,
	`answer` text NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `patch_collisions_once` ON `patch_collisions` (`first_subject`,`second_subject`,`path`);--> statement-breakpoint
CREATE INDEX `patch_collisions_of_workspace` ON `patch_collisions` (`workspace_id`,`id`);--> statement-breakpoint
CREATE TABLE `patch_footprints` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`subject_id` text NOT NULL,
	`workspace_id` text NOT NULL,
	`branch` text NOT NULL,
	`base_commit` text,
	`source` text NOT NULL,
	`path` text NOT NULL,
	`ranges` text DEFAULT '[]' NOT NULL,
	`is_open` integer DEFAULT 1 NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `patch_footprints_once` ON `patch_footprints` (`subject_id`,`source`,`path`);--> statement-breakpoint
CREATE INDEX `patch_footprints_open` ON `patch_footprints` (`workspace_id`,`path`) WHERE is_open = 1;--> statement-breakpoint
CREATE TABLE `patch_landed_files` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`patch_set_id` text NOT NULL,
	`workspace_id` text NOT NULL,
	`branch` text NOT NULL,
	`commit_id` text NOT NULL,
	`path` text NOT NULL,
	`from_path` text,
	`landing` text NOT NULL,
	`old_blob` text,
	`new_blob` text,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `patch_landed_files_of_path` ON `patch_landed_files` (`workspace_id`,`path`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `patch_landed_files_once` ON `patch_landed_files` (`patch_set_id`,`commit_id`,`path`);--> statement-breakpoint
CREATE TABLE `webhook_deliveries` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`event` text NOT NULL,
	`status` text NOT NULL,
	`result` text DEFAULT '{}' NOT NULL,
	`worker_name` text NOT NULL,
	`container_name` text,
	`created_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `webhook_deliveries_newest` ON `webhook_deliveries` (`source`,`created_at`);--> statement-breakpoint
ALTER TABLE `ai_tasks_hitl` ADD `order_id` text;--> statement-breakpoint
ALTER TABLE `ai_tasks_hitl` ADD `execution_id` text;--> statement-breakpoint
CREATE INDEX `ai_tasks_hitl_of_execution` ON `ai_tasks_hitl` (`execution_id`,`created_at`);--> statement-breakpoint
ALTER TABLE `orders` ADD `pull_request_number` integer;--> statement-breakpoint
ALTER TABLE `orders` ADD `pull_request_url` text;--> statement-breakpoint
ALTER TABLE `patch_sets` ADD `workspace_id` text;--> statement-breakpoint
ALTER TABLE `patch_sets` ADD `branch` text;--> statement-breakpoint
ALTER TABLE `patch_sets` ADD `landed_commit` text;--> statement-breakpoint
ALTER TABLE `patch_sets` ADD `landed_at` integer;--> statement-breakpoint
ALTER TABLE `patch_sets` ADD `reverts` text;--> statement-breakpoint
CREATE INDEX `patch_sets_of_workspace` ON `patch_sets` (`workspace_id`,`created_at`,`patch_set_id`);--> statement-breakpoint
ALTER TABLE `tasks` ADD `depth` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `scope` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `context` text;--> statement-breakpoint
CREATE INDEX `tasks_of_parent` ON `tasks` (`parent_task_uuid`);--> statement-breakpoint
ALTER TABLE `workspaces` ADD `policy` text;