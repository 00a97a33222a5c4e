//! Gateways that run already: which there are, which one is meant, and what they say of their servers.
//! Owns the way from a name on the command line to an admin socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::admin::{self, Answer};
use crate::choice::Running;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;

/// A running gateway.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Gateway {
    /// What `--gateway` takes.
    pub(crate) id: String,
    /// Its process.
    pub(crate) pid: u32,
    /// How clients reach it.
    pub(crate) transport: String,
    /// Where, unless it speaks stdio.
    pub(crate) url: Option<String>,
    /// What it is.
    pub(crate) version: String,
    /// Whether it is the one that all share.
    pub(crate) shared: bool,
    #[serde(skip)]
    pub(crate) socket: PathBuf,
    #[serde(skip)]
    pub(crate) attach: Option<PathBuf>,
}

/// A server, as a gateway describes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Status {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) upstreams: usize,
    #[serde(default)]
    pub(crate) versions: Vec<String>,
    #[serde(default)]
    pub(crate) pids: Vec<u32>,
    #[serde(default)]
    pub(crate) tools: usize,
    #[serde(default)]
    pub(crate) calls: u64,
    #[serde(default)]
    pub(crate) errors: u64,
    #[serde(default)]
    pub(crate) isolation: Option<String>,
    #[serde(default)]
    pub(crate) missing: Vec<String>,
    #[serde(default)]
    pub(crate) network: Option<String>,
    #[serde(default)]
    pub(crate) refused: Vec<String>,
    pub(crate) source: String,
}

/// A client, as a gateway describes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Client {
    pub(crate) client: String,
    pub(crate) door: String,
    pub(crate) version: String,
}

/// Those that are alive.
pub(crate) fn list() -> Result<Vec<Gateway>, Failure> {
    let here = Surroundings::of_process()?;
    let all = config::running::list(&here.dirs).map_err(|e| {
        Failure::new(Kind::Failed, "cannot tell which gateways are running").because(&e)
    })?;
    let gateway = |info: config::running::Info| Gateway {
        id: info.id,
        pid: info.pid,
        transport: info.transport,
        url: info.address,
        version: info.version,
        shared: info.attach_socket.is_some(),
        socket: info.admin_socket,
        attach: info.attach_socket,
    };
    Ok(all.into_iter().map(gateway).collect())
}

/// Those that are meant: all, or the named one.
pub(crate) fn meant(which: &Running) -> Result<Vec<Gateway>, Failure> {
    let all = list()?;
    let Some(id) = &which.gateway else {
        return Ok(all);
    };
    let known: Vec<&str> = all.iter().map(|g| g.id.as_str()).collect();
    match all.iter().find(|g| g.id == *id) {
        Some(gateway) => Ok(vec![gateway.clone()]),
        None => Err(
            Failure::new(Kind::NotRunning, format!("no gateway `{id}` is running"))
                .hints_from(did_you_mean(id, known.iter().copied()))
                .hint(match known.is_empty() {
                    true => "none is running: `portolan gateway run` starts one".to_owned(),
                    false => format!("running: {}", known.join(", ")),
                }),
        ),
    }
}

/// The one gateway that has this server.
pub(crate) fn holder(which: &Running, server: &str) -> Result<(Gateway, Status), Failure> {
    let gateways = meant(which)?;
    if gateways.is_empty() {
        return Err(none());
    }
    let mut found = Vec::new();
    let mut known = Vec::new();
    for gateway in gateways {
        for status in statuses(&gateway)? {
            if status.name == server {
                found.push((gateway.clone(), status));
            } else {
                known.push(status.name);
            }
        }
    }
    match found.len() {
        0 => Err(
            Failure::new(Kind::NotFound, format!("there is no server `{server}`"))
                .hints_from(did_you_mean(server, known.iter().map(String::as_str)))
                .hint("`portolan server ls` shows them all"),
        ),
        1 => Ok(found.remove(0)),
        _ => {
            let ids: Vec<&str> = found
                .iter()
                .map(|(gateway, _)| gateway.id.as_str())
                .collect();
            Err(Failure::new(
                Kind::Usage,
                format!("several running gateways have a server `{server}`"),
            )
            .hint(format!(
                "say which: --gateway {}",
                ids.join(" or --gateway ")
            )))
        }
    }
}

/// The servers of a gateway.
pub(crate) fn statuses(gateway: &Gateway) -> Result<Vec<Status>, Failure> {
    let answer = ask(gateway, "GET", "/servers")?;
    serde_json::from_str(&answer.body).map_err(|e| {
        Failure::internal(
            format!("gateway `{}` answered something else", gateway.id),
            e,
        )
    })
}

/// The clients that a gateway has just now. One of an older version does not tell.
pub(crate) fn clients(gateway: &Gateway) -> Vec<Client> {
    let answer = ask(gateway, "GET", "/clients").ok();
    answer
        .and_then(|answer| serde_json::from_str(&answer.body).ok())
        .unwrap_or_default()
}

/// Asks a gateway; an answer that is not a success is a failure.
pub(crate) fn ask(gateway: &Gateway, method: &str, target: &str) -> Result<Answer, Failure> {
    let answer = admin::ask(&gateway.socket, method, target).map_err(|e| {
        let kind = match e.kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => Kind::Timeout,
            std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound => {
                Kind::NotRunning
            }
            std::io::ErrorKind::PermissionDenied => Kind::Denied,
            _ => Kind::Failed,
        };
        Failure::new(
            kind,
            format!(
                "gateway `{}` (process {}) does not answer",
                gateway.id, gateway.pid
            ),
        )
        .because(&e)
    })?;
    match answer.status {
        200..300 => Ok(answer),
        404 => Err(Failure::new(Kind::NotFound, reason(&answer.body))),
        _ => Err(Failure::new(Kind::Failed, reason(&answer.body))),
    }
}

fn reason(body: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let error = &value["error"];
    let text = error.as_str().or_else(|| error["message"].as_str());
    text.unwrap_or_else(|| body.trim()).to_owned()
}

/// Nothing is running.
pub(crate) fn none() -> Failure {
    Failure::new(Kind::NotRunning, "no gateway is running").hint(
        "`portolan gateway run` starts one; an AI application that is connected starts its own",
    )
}
