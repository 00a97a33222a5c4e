//! What the client says when the server asks it something, and its memory of what the server said unasked.
#![expect(
    deprecated,
    reason = "what SEP-2577 deprecates is still spoken by the servers of today"
)]

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    ClientCapabilities, ClientConfig, CreateMessageRequestParams, CreateMessageResult,
    ElicitRequestParams, ElicitResult, ElicitationAction, Implementation, ListRootsResult,
    LoggingMessageNotificationParam, ProgressNotificationParam, ResourceUpdatedNotificationParam,
    Role, Root, SamplingMessage, SamplingMessageContentBlock,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};

/// Everything heard so far, shared with whoever counts it.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    changed: usize,
    updated: usize,
    message: Vec<Value>,
    asked: Vec<&'static str>,
    progress: Vec<f64>,
}

impl Heard {
    fn with<T>(&self, act: impl FnOnce(&mut Said) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn count(&self, what: &str) -> usize {
        self.with(|said| match what {
            "changed" => said.changed,
            "updated" => said.updated,
            _ => said.message.len(),
        })
    }

    pub(super) fn changed(&self) {
        self.with(|said| said.changed += 1);
    }

    pub(super) fn updated(&self) {
        self.with(|said| said.updated += 1);
    }

    /// The progress reported since the last time this was asked.
    pub(super) fn take_progress(&self) -> Vec<f64> {
        self.with(|said| std::mem::take(&mut said.progress))
    }

    pub(super) fn all(&self) -> Value {
        self.with(|said| {
            json!({
                "changed": said.changed,
                "updated": said.updated,
                "message": said.message,
                "asked": said.asked,
            })
        })
    }
}

/// A client that has an answer to every question.
pub(super) struct Answering {
    answers: Value,
    heard: Heard,
}

impl Answering {
    pub(super) fn new(answers: &Value, heard: Heard) -> Self {
        Self {
            answers: answers.clone(),
            heard,
        }
    }
}

type Context = RequestContext<RoleClient>;
type Note = NotificationContext<RoleClient>;

impl ClientHandler for Answering {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder()
            .enable_elicitation()
            .enable_roots()
            .enable_sampling()
            .build();
        ClientConfig::new(
            capabilities,
            Implementation::new("portolan-tests-rmcp", env!("CARGO_PKG_VERSION")),
        )
    }

    async fn create_message(
        &self,
        _: CreateMessageRequestParams,
        _: Context,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.heard.with(|said| said.asked.push("sample"));
        let text = self.answers["sample"].as_str().unwrap_or_default();
        let message =
            SamplingMessage::new(Role::Assistant, SamplingMessageContentBlock::text(text));
        Ok(CreateMessageResult::new(message, "none".to_owned()))
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: Context,
    ) -> Result<ElicitResult, ErrorData> {
        self.heard.with(|said| said.asked.push("elicit"));
        Ok(ElicitResult::new(ElicitationAction::Accept)
            .with_content(self.answers["elicit"].clone()))
    }

    async fn list_roots(&self, _: Context) -> Result<ListRootsResult, ErrorData> {
        self.heard.with(|said| said.asked.push("roots"));
        let roots = self.answers["roots"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        Ok(ListRootsResult::new(roots.map(Root::new).collect()))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: Note) {
        self.heard.with(|said| said.progress.push(params.progress));
    }

    async fn on_logging_message(&self, params: LoggingMessageNotificationParam, _: Note) {
        self.heard.with(|said| said.message.push(params.data));
    }

    async fn on_tool_list_changed(&self, _: Note) {
        self.heard.changed();
    }

    async fn on_resource_updated(&self, _: ResourceUpdatedNotificationParam, _: Note) {
        self.heard.updated();
    }
}
