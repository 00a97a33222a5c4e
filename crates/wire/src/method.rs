//! The names of every MCP request and notification, of both eras.
//!
//! Refuses: meaning. Which side sends one, in which revision it exists and what becomes of it is the gateway's matter;
//! names that are not here are relayed all the same.

/// Opens a handshake-era conversation.
pub const INITIALIZE: &str = "initialize";
/// The client has read the answer to `initialize`.
pub const INITIALIZED: &str = "notifications/initialized";
/// Are you there? Handshake era, both directions.
pub const PING: &str = "ping";
/// What a stateless server can do.
pub const SERVER_DISCOVER: &str = "server/discover";

/// The sender no longer wants the answer to a request.
pub const CANCELLED: &str = "notifications/cancelled";
/// How far a request has come.
pub const PROGRESS: &str = "notifications/progress";
/// A log message.
pub const MESSAGE: &str = "notifications/message";

/// One page of tools.
pub const TOOLS_LIST: &str = "tools/list";
/// Calls a tool.
pub const TOOLS_CALL: &str = "tools/call";
/// The tools are others now.
pub const TOOLS_LIST_CHANGED: &str = "notifications/tools/list_changed";

/// One page of prompts.
pub const PROMPTS_LIST: &str = "prompts/list";
/// A prompt, filled in.
pub const PROMPTS_GET: &str = "prompts/get";
/// The prompts are others now.
pub const PROMPTS_LIST_CHANGED: &str = "notifications/prompts/list_changed";

/// One page of resources.
pub const RESOURCES_LIST: &str = "resources/list";
/// One page of resource templates.
pub const RESOURCES_TEMPLATES_LIST: &str = "resources/templates/list";
/// The contents of a resource.
pub const RESOURCES_READ: &str = "resources/read";
/// Wants to hear of changes to one resource. Handshake era.
pub const RESOURCES_SUBSCRIBE: &str = "resources/subscribe";
/// No longer wants to. Handshake era.
pub const RESOURCES_UNSUBSCRIBE: &str = "resources/unsubscribe";
/// One page of a directory (skills extension).
pub const RESOURCES_DIRECTORY_READ: &str = "resources/directory/read";
/// The resources are others now.
pub const RESOURCES_LIST_CHANGED: &str = "notifications/resources/list_changed";
/// One resource has changed.
pub const RESOURCES_UPDATED: &str = "notifications/resources/updated";

/// Suggestions for an argument of a prompt or a template.
pub const COMPLETION_COMPLETE: &str = "completion/complete";
/// The least severe log message that the client wants to hear. Handshake era.
pub const LOGGING_SET_LEVEL: &str = "logging/setLevel";

/// The server asks the client's model.
pub const SAMPLING_CREATE_MESSAGE: &str = "sampling/createMessage";
/// The server asks the person.
pub const ELICITATION_CREATE: &str = "elicitation/create";
/// The person has finished at the URL (2025-11-25).
pub const ELICITATION_COMPLETE: &str = "notifications/elicitation/complete";
/// The server asks for the client's folders.
pub const ROOTS_LIST: &str = "roots/list";
/// The client's folders are others now. Handshake era.
pub const ROOTS_LIST_CHANGED: &str = "notifications/roots/list_changed";

/// The state of a task.
pub const TASKS_GET: &str = "tasks/get";
/// The tasks of the sender (2025-11-25).
pub const TASKS_LIST: &str = "tasks/list";
/// Waits for what a task results in (2025-11-25).
pub const TASKS_RESULT: &str = "tasks/result";
/// Answers to what a task asked (tasks extension).
pub const TASKS_UPDATE: &str = "tasks/update";
/// Stops a task.
pub const TASKS_CANCEL: &str = "tasks/cancel";
/// The state of a task has changed (2025-11-25).
pub const TASKS_STATUS: &str = "notifications/tasks/status";
/// The state of a task has changed (tasks extension).
pub const TASKS_CHANGED: &str = "notifications/tasks";

/// Opens the stream on which changes are told. Stateless era.
pub const SUBSCRIPTIONS_LISTEN: &str = "subscriptions/listen";
/// Which of the wanted changes will be told. Stateless era.
pub const SUBSCRIPTIONS_ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// The skills on offer (skills extension).
pub const SKILLS_LIST: &str = "skills/list";
/// One skill (skills extension).
pub const SKILLS_GET: &str = "skills/get";
