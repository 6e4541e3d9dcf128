/** Type of the event that tells a waiting TaskExecution that one of its container tasks has ended. */
export const TASK_SETTLED = 'container-task-settled'
