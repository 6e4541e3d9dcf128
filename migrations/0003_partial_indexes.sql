DROP INDEX `container_tasks_of_execution`;--> statement-breakpoint
CREATE INDEX `container_tasks_of_execution` ON `container_tasks` (`execution_id`,`id`) WHERE execution_id is not null;--> statement-breakpoint
DROP INDEX `operation_logs_of_execution`;--> statement-breakpoint
DROP INDEX `operation_logs_of_order`;--> statement-breakpoint
CREATE INDEX `operation_logs_of_execution` ON `operation_logs` (`execution_id`,`id`) WHERE execution_id is not null;--> statement-breakpoint
CREATE INDEX `operation_logs_of_order` ON `operation_logs` (`order_id`,`id`) WHERE order_id is not null;