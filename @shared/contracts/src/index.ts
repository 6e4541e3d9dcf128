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
export { GITHUB_SECRETS, JULES_WEBHOOK_SECRETS, ORCHESTRATOR_BINDINGS, ORCHESTRATOR_SERVICE, PROVIDER_SECRETS, PROVIDER_TASKS_DLQ, PROVIDER_TASKS_QUEUE, SECRET_NAMES } from './bindings.ts'
export type { CallerProps } from './bindings.ts'
export { CollisionKind, CollisionView, LineSpan, TouchedFiles } from './collision.ts'
export {
	AgentRunOutput,
	AgentRunParameters,
	ClaimedTask,
	ClaimRequest,
	CommandOutput,
	CompletedTask,
	CompleteManyReply,
	CompleteManyRequest,
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
	NextClaim,
	PlannedTask,
	ProgressEvent,
	QueueSummary,
	TaskError,
	TaskPlan,
	TaskPlanInput,
	ValidateOutput,
	ValidateParameters,
	WorkerShare,
} from './containerTask.ts'
export { ContainerHealth, ContainerInstance, ContainerState, ContainerUsage, InstanceCount, InstanceId, PoolHealth, PoolStatus, RunnerBeat, RunnerBeatReply, RunnerRegistration } from './containerPool.ts'
export type { ContainerLoadBalancerRpc } from './containerPool.ts'
export { AppError, ERRORS, isAppError, isErrorCode, recogniseError, toErrorBody } from './errors.ts'
export type { ErrorBody, ErrorCode, ErrorSpec } from './errors.ts'
export { ExecutionCost, ExecutionPhase, ExecutionStatus, ExecutionView, Failure, LogEntry, ProviderTaskMessage } from './execution.ts'
export { HumanDecision, HumanRequest } from './humanRequest.ts'
export type { HumanRequestStatus } from './humanRequest.ts'
export { ContainerTaskId, ExecutionId, GitObjectId, HumanRequestId, OrderId, PatchSetId, TaskId, WorkspaceId } from './ids.ts'
export { OrderCreated, OrderRequest, OrderStatus, OrderView, TaskRequest, TaskStatus, TaskView, WorkspaceRef, WorkspaceRequest, WorkspaceView } from './order.ts'
export type { OrderInput, TaskInput } from './order.ts'
export { AIPatch, FileChange, FileMode, MAX_PATCH_SET_BYTES, PatchSet } from './patch.ts'
export { ApplyRequest, BatchId, BatchStatus, BlameView, PatchBatch, PatchEvent, PatchEventType, PatchOptions, PatchResult, PatchSetSummary, PatchStatus, RollbackRequest } from './patchOps.ts'
export type { PatchBatchInput, PatchOptionsInput, PatchRpc } from './patchOps.ts'
export { DEFAULT_OUTCOMES, PolicyOutcome, PolicyRule, PROTECTED_FILES, ScopeEntry, WorkspacePolicy } from './policy.ts'
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
	TaskCreated,
	TaskFilter,
	TasksRpc,
} from './rpc.ts'
export { Scenario, ScenarioFault, ScenarioFile, ScenarioStep } from './scenario.ts'
export { Principal, Scope, SCOPES_OF_KIND, TokenKind } from './token.ts'
export { TokenUsage } from './usage.ts'
export { EventLine, MissedLines, ServerMessage, SOCKET_CLOSE, SOCKET_PING, SOCKET_PONG, SOCKET_PROTOCOL, SOCKET_TOKEN_PREFIX, SocketSnapshot, SocketTicket, TERMINAL_CLOSE, TerminalControl, WakeUp } from './websocket.ts'
