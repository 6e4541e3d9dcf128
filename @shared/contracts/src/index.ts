// The leaf: every shape that crosses a process or a Worker boundary. Depends on zod only; everybody may import it.
export {
	ApprovalStatus,
	ChatRequest,
	EvaluateRequest,
	Evaluation,
	ModelRoute,
	RoutePromptRequest,
	StructuredOutput,
	StructuredOutputRequest,
	ToolCallRequest,
	ToolCallResult,
} from './aiOps.ts'
export type { AIRpc } from './aiOps.ts'
export { ORCHESTRATOR_BINDINGS, ORCHESTRATOR_SERVICE, PROVIDER_SECRETS, PROVIDER_TASKS_DLQ, PROVIDER_TASKS_QUEUE } from './bindings.ts'
export type { CallerProps } from './bindings.ts'
export {
	AgentRunOutput,
	AgentRunParameters,
	ClaimedTask,
	ClaimRequest,
	CompleteRequest,
	ContainerTask,
	ContainerTaskInput,
	ContainerTaskOutcome,
	ContainerTaskStatus,
	ContainerTaskType,
	ExecutionGrant,
	FailRequest,
	HeartbeatReply,
	HeartbeatRequest,
	ProgressEvent,
	TaskError,
	ValidateOutput,
	ValidateParameters,
} from './containerTask.ts'
export { ContainerHealth, ContainerInstance, ContainerState, InstanceCount, PoolStatus } from './containerPool.ts'
export type { ContainerLoadBalancerRpc } from './containerPool.ts'
export { AppError, ERRORS, isAppError, isErrorCode, recogniseError, toErrorBody } from './errors.ts'
export type { ErrorBody, ErrorCode, ErrorSpec } from './errors.ts'
export { ExecutionCost, ExecutionPhase, ExecutionStatus, ExecutionView, Failure, LogEntry, ProviderTaskMessage } from './execution.ts'
export { ContainerTaskId, ExecutionId, GitObjectId, OrderId, PatchSetId, TaskId, WorkspaceId } from './ids.ts'
export { OrderCreated, OrderRequest, OrderStatus, OrderView, TaskStatus, TaskView, WorkspaceRef, WorkspaceRequest, WorkspaceView } from './order.ts'
export type { OrderInput } from './order.ts'
export { AIPatch, FileChange, FileMode, PatchSet } from './patch.ts'
export { PatchBatch, PatchEvent, PatchEventType, PatchOptions, PatchResult, PatchStatus, RollbackRequest } from './patchOps.ts'
export type { PatchRpc } from './patchOps.ts'
export {
	CircuitState,
	CostProfile,
	Priority,
	ProviderName,
	ProviderStats,
	ProviderStatus,
	ProviderType,
	RouteCandidate,
	RouteDecision,
	SecretMode,
	TaskType,
} from './provider.ts'
export type {
	AIProviderRpc,
	AssignmentView,
	ContainerTaskQueueRpc,
	ExecutionStarted,
	Lease,
	Page,
	PageRequest,
	TaskFilter,
	TasksRpc,
} from './rpc.ts'
export { Scenario, ScenarioFault, ScenarioFile, ScenarioStep } from './scenario.ts'
export { Principal, Scope, SCOPES_OF_KIND, TokenKind } from './token.ts'
export { TokenUsage } from './usage.ts'
export { ServerMessage, TerminalControl } from './websocket.ts'
