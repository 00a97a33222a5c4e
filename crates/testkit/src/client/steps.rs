//! The steps of a plan, one method of the SDK each.
#![expect(
    deprecated,
    reason = "what SEP-2577 deprecates is still spoken by the servers of today"
)]

use std::collections::HashMap;
use std::time::Duration;

use rmcp::model::{
    ArgumentInfo, CallToolRequestParams, CompleteRequestParams, GetPromptRequestParams,
    LoggingLevel, ReadResourceRequestParams, RequestMetaObject, ServerNotification,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter,
};
use serde_json::{Value, json};

use super::handler::Heard;
use super::{Error, Running};

/// How long a step waits for something that the server is to say.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

pub(super) struct Player<'a> {
    client: &'a Running,
    heard: Heard,
    stateless: bool,
    /// How much of each thing there was when the last call began.
    awaited: HashMap<String, usize>,
    listening: Option<tokio::task::JoinHandle<()>>,
}

impl<'a> Player<'a> {
    pub(super) fn new(client: &'a Running, heard: Heard, stateless: bool) -> Self {
        Self {
            client,
            heard,
            stateless,
            awaited: HashMap::new(),
            listening: None,
        }
    }

    pub(super) async fn play(&mut self, step: &Value) -> Result<Value, Error> {
        let client = self.client;
        let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        Ok(match text("do").as_str() {
            "tools" => self.tools(step["until"].as_str()).await?,
            "prompts" => json!(client.list_all_prompts().await?),
            "resources" => json!(client.list_all_resources().await?),
            "templates" => json!(client.list_all_resource_templates().await?),
            "call" => self.call(step).await?,
            "cancel" => self.cancel(step).await?,
            "prompt" => {
                let mut params = GetPromptRequestParams::new(text("name"));
                params.arguments = step["arguments"].as_object().cloned();
                json!(client.get_prompt(params).await?)
            }
            "read" => json!(
                client
                    .read_resource(ReadResourceRequestParams::new(text("uri")))
                    .await?
            ),
            "complete" => {
                let argument: ArgumentInfo = serde_json::from_value(step["argument"].clone())?;
                let reference = serde_json::from_value(step["ref"].clone())?;
                json!(
                    client
                        .complete(CompleteRequestParams::new(reference, argument))
                        .await?
                )
            }
            "level" => {
                // In the stateless era the level travels with each call.
                if !self.stateless {
                    let level: LoggingLevel = serde_json::from_value(step["level"].clone())?;
                    client.set_level(SetLevelRequestParams::new(level)).await?;
                }
                Value::Null
            }
            "watch" => self.watch(step["uri"].as_str()).await?,
            "await" => self.wait(&text("what")).await?,
            other => return Err(format!("there is no step {other:?}").into()),
        })
    }

    /// Lists until a name is among them, again after each change that is told of.
    async fn tools(&self, until: Option<&str>) -> Result<Value, Error> {
        loop {
            let before = self.heard.count("changed");
            let tools = self.client.list_all_tools().await?;
            if until.is_none_or(|name| tools.iter().any(|tool| tool.name == name)) {
                return Ok(json!(tools));
            }
            self.another("changed", before).await?;
        }
    }

    async fn call(&mut self, step: &Value) -> Result<Value, Error> {
        // What is awaited after a call is what happens from here on.
        for what in ["changed", "updated", "message"] {
            self.awaited.insert(what.to_owned(), self.heard.count(what));
        }
        let name = step["name"].as_str().unwrap_or_default().to_owned();
        let mut params = CallToolRequestParams::new(name)
            .with_arguments(step["arguments"].as_object().cloned().unwrap_or_default());
        if self.stateless && !step["level"].is_null() {
            let mut meta = RequestMetaObject::new();
            meta.set_log_level(serde_json::from_value(step["level"].clone())?);
            params.meta = Some(meta);
        }
        self.heard.take_progress();
        let mut result = json!(self.client.call_tool(params).await?);
        // Notifications are handled beside the answer, not before it.
        tokio::time::sleep(LOOK_AGAIN).await;
        result["progress"] = json!(self.heard.take_progress());
        Ok(result)
    }

    /// Takes a call back once it has reported progress.
    async fn cancel(&mut self, step: &Value) -> Result<Value, Error> {
        let name = step["name"].as_str().unwrap_or_default().to_owned();
        let params = CallToolRequestParams::new(name)
            .with_arguments(step["arguments"].as_object().cloned().unwrap_or_default());
        self.heard.take_progress();
        let begun = async {
            while self.heard.take_progress().is_empty() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        // Of this SDK, a call that nobody waits for any more is one that is taken back.
        tokio::select! {
            result = self.client.call_tool(params) => Ok(json!({ "cancelled": false, "result": result? })),
            waited = tokio::time::timeout(PATIENCE, begun) => match waited {
                Ok(()) => Ok(json!({ "cancelled": true })),
                Err(_) => Err("waited 10 s for progress".into()),
            },
        }
    }

    async fn watch(&mut self, uri: Option<&str>) -> Result<Value, Error> {
        if !self.stateless {
            if let Some(uri) = uri {
                self.client
                    .subscribe(SubscribeRequestParams::new(uri))
                    .await?;
            }
            return Ok(Value::Null);
        }
        let filter = SubscriptionFilter::builder().tools_list_changed();
        let filter = if let Some(uri) = uri {
            filter.resource_subscription(uri)
        } else {
            filter
        };
        let mut subscription = self.client.peer().listen(filter.build()).await?;
        let heard = self.heard.clone();
        self.listening = Some(tokio::spawn(async move {
            while let Ok(Some(notification)) = subscription.next().await {
                match notification {
                    ServerNotification::ToolListChangedNotification(_) => heard.changed(),
                    ServerNotification::ResourceUpdatedNotification(_) => heard.updated(),
                    _ => {}
                }
            }
        }));
        Ok(Value::Null)
    }

    async fn wait(&self, what: &str) -> Result<Value, Error> {
        let awaited = self.awaited.get(what).copied().unwrap_or_default();
        self.another(what, awaited).await?;
        Ok(json!(self.heard.count(what)))
    }

    async fn another(&self, what: &str, than: usize) -> Result<(), Error> {
        let enough = async {
            while self.heard.count(what) <= than {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        waited.map_err(|_| format!("waited 10 s for another {what}").into())
    }
}

impl Drop for Player<'_> {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
    }
}
