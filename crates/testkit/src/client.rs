//! The official Rust SDK as a client that plays a plan: a list of steps in, a list of results out, nothing judged.
//!
//! The plan is the JSON that `tests/matrix` writes for every client it knows; what a step is stands there. Read next:
//! [`handler`] for what this client answers when it is asked.

mod handler;
mod steps;

use std::process::Stdio;

use rmcp::model::ProtocolVersion;
use rmcp::service::RunningService;
use rmcp::transport::{ConfigureCommandExt, StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::{Value, json};

use self::handler::{Answering, Heard};
use self::steps::Player;

type Error = Box<dyn std::error::Error>;
type Running = RunningService<RoleClient, Answering>;

/// Plays `plan` and returns what the matrix wants to know.
///
/// # Errors
///
/// When the plan makes no sense, or the server cannot be reached at all. A step that fails is a result.
pub async fn play(plan: &Value) -> Result<Value, Error> {
    let heard = Heard::default();
    let stateless = plan["era"] == "stateless";
    let client = connect(
        plan,
        Answering::new(&plan["answers"], heard.clone()),
        stateless,
    )
    .await?;
    let info = client.peer_info();
    let version = info.as_ref().map(|info| info.protocol_version.to_string());
    let server = info.as_ref().and_then(|info| info.server_info.clone());
    let mut player = Player::new(&client, heard.clone(), stateless);
    let mut results = Vec::new();
    for step in plan["steps"].as_array().into_iter().flatten() {
        match player.play(step).await {
            Ok(value) => results.push(json!({ "value": value })),
            Err(error) => {
                results.push(json!({ "error": error.to_string() }));
                if step["may_fail"] != true {
                    break;
                }
            }
        }
    }
    drop(player);
    client.cancel().await?;
    Ok(json!({ "server": server, "version": version, "results": results, "heard": heard.all() }))
}

async fn connect(plan: &Value, handler: Answering, stateless: bool) -> Result<Running, Error> {
    let lifecycle = if stateless {
        ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::V_2025_11_25),
        }
    } else {
        ClientLifecycleMode::Initialize
    };
    let target = &plan["target"];
    if let Some(url) = target["url"].as_str() {
        let transport = StreamableHttpClientTransport::from_uri(url);
        return Ok(handler.serve_with_lifecycle(transport, lifecycle).await?);
    }
    let program = target["command"]
        .as_str()
        .ok_or("the plan has neither a url nor a command")?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a client that starts its server is what is being tested"
    )]
    let command = tokio::process::Command::new(program).configure(|command| {
        command.args(
            target["args"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        );
        for (name, value) in target["env"].as_object().into_iter().flatten() {
            command.env(name, value.as_str().unwrap_or_default());
        }
    });
    let (transport, _) = TokioChildProcess::builder(command)
        .stderr(Stdio::inherit())
        .spawn()?;
    Ok(handler.serve_with_lifecycle(transport, lifecycle).await?)
}
