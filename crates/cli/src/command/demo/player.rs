//! The client of the demo: a plain MCP client over streamable HTTP.

use bytes::Bytes;
use transport::client::{self, Body, Endpoint, Response, Timeouts};
use wire::{Frame, Kind as FrameKind, Object, Version, method};

use crate::content;
use crate::error::{Failure, Kind};
use crate::limits::LIST_PAGES_MAX;

/// A client and its session.
pub(super) struct Player {
    endpoint: Endpoint,
    session: Option<String>,
    requests: u64,
}

impl Player {
    pub(super) fn new(url: &str, token: &str) -> Result<Self, Failure> {
        let headers = [("Authorization".to_owned(), format!("Bearer {token}"))];
        let endpoint =
            Endpoint::new(url, &headers).map_err(|e| Failure::internal("the URL is wrong", e))?;
        Ok(Self {
            endpoint,
            session: None,
            requests: 0,
        })
    }

    /// Shakes hands; who answered.
    pub(super) async fn initialize(&mut self) -> Result<String, Failure> {
        let params = format!(
            r#"{{"protocolVersion":"{}","capabilities":{{}},"clientInfo":{{"name":"portolan-demo","version":"{}"}}}}"#,
            Version::LATEST_HANDSHAKE.as_str(),
            env!("CARGO_PKG_VERSION")
        );
        let result = self
            .request(method::INITIALIZE, Some(&params), |_| {})
            .await?;
        let object = Object::parse(&result).map_err(odd)?;
        let info = object.object("serverInfo").map_err(odd)?;
        let word = |name: &str| {
            info.as_ref()
                .and_then(|i| i.string(name).ok().flatten())
                .unwrap_or_default()
        };
        let version = object
            .string("protocolVersion")
            .map_err(odd)?
            .unwrap_or_default();
        let who = format!("{} {}, MCP {version}", word("name"), word("version"));
        self.post(wire::build::notification(method::INITIALIZED, None))
            .await?;
        Ok(who)
    }

    /// The names of all tools.
    pub(super) async fn tools(&mut self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let mut params = None;
        for _ in 0..LIST_PAGES_MAX {
            let result = self
                .request(method::TOOLS_LIST, params.as_deref(), |_| {})
                .await?;
            let page = Object::parse(&result).map_err(odd)?;
            for raw in
                wire::elements(page.get("tools").map_err(odd)?.unwrap_or("[]")).map_err(odd)?
            {
                let name = Object::parse(raw)
                    .map_err(odd)?
                    .string("name")
                    .map_err(odd)?;
                names.extend(name.map(std::borrow::Cow::into_owned));
            }
            match page.string("nextCursor").map_err(odd)? {
                Some(cursor) => params = Some(format!(r#"{{"cursor":{}}}"#, wire::quote(&cursor))),
                None => break,
            }
        }
        Ok(names)
    }

    /// Calls a tool; its answer in words, with the progress that was reported.
    pub(super) async fn call(
        &mut self,
        tool: &str,
        arguments: &str,
        progress: bool,
    ) -> Result<String, Failure> {
        let meta = if progress {
            r#","_meta":{"progressToken":"demo"}"#
        } else {
            ""
        };
        let params = format!(
            r#"{{"name":{},"arguments":{arguments}{meta}}}"#,
            wire::quote(tool)
        );
        let mut steps = Vec::new();
        let heard = |frame: &Frame| steps.extend(step(frame));
        let result = self
            .request(method::TOOLS_CALL, Some(&params), heard)
            .await?;
        let words = content::human(&result);
        if content::is_error(&result) {
            return Err(Failure::new(Kind::Failed, words));
        }
        Ok(match steps.is_empty() {
            true => words,
            false => format!("{}, {words}", steps.join(" ")),
        })
    }

    /// Ends the session.
    pub(super) async fn leave(self) {
        if let Some(id) = &self.session {
            let headers = [("Mcp-Session-Id", id.as_str())];
            let _ = client::delete(&self.endpoint, &headers, &Timeouts::default()).await;
        }
    }

    async fn request(
        &mut self,
        method: &str,
        params: Option<&str>,
        mut heard: impl FnMut(&Frame),
    ) -> Result<String, Failure> {
        self.requests += 1;
        let response = self
            .post(wire::build::request(
                &self.requests.to_string(),
                method,
                params,
            ))
            .await?;
        match response.body {
            Body::Full(bytes) => {
                read(bytes)?.map_or_else(|| Err(unanswered(method)), |frame| result(&frame))
            }
            Body::Events(mut events) => {
                while let Some(event) = events.next().await {
                    let event = event.map_err(|e| unanswered(method).because(&e))?;
                    let Some(frame) = read(event.data)? else {
                        continue;
                    };
                    match frame.kind() {
                        FrameKind::Result | FrameKind::Error => return result(&frame),
                        FrameKind::Request | FrameKind::Notification => heard(&frame),
                    }
                }
                Err(unanswered(method))
            }
        }
    }

    async fn post(&mut self, body: Bytes) -> Result<Response, Failure> {
        let version = Version::LATEST_HANDSHAKE.as_str();
        let mut headers = Vec::new();
        if let Some(id) = &self.session {
            headers.extend([
                ("Mcp-Session-Id", id.as_str()),
                ("MCP-Protocol-Version", version),
            ]);
        }
        let response = client::post(&self.endpoint, &headers, body, &Timeouts::default())
            .await
            .map_err(|e| Failure::new(Kind::Failed, "the gateway does not answer").because(&e))?;
        if response.status >= 400 {
            return Err(Failure::new(
                Kind::Failed,
                format!("the gateway answers {}", response.status),
            ));
        }
        if let Some(id) = response
            .headers
            .get("mcp-session-id")
            .and_then(|v| v.to_str().ok())
        {
            self.session = Some(id.to_owned());
        }
        Ok(response)
    }
}

/// `2/4`.
fn step(frame: &Frame) -> Option<String> {
    if frame.method() != method::PROGRESS {
        return None;
    }
    let params = Object::parse(frame.params()?).ok()?;
    let progress = params.get("progress").ok()??;
    let total = params.get("total").ok().flatten();
    Some(total.map_or_else(
        || progress.to_owned(),
        |total| format!("{progress}/{total}"),
    ))
}

fn read(bytes: Bytes) -> Result<Option<Frame>, Failure> {
    if bytes.is_empty() {
        return Ok(None);
    }
    Frame::parse(bytes)
        .map(Some)
        .map_err(|e| Failure::internal("the gateway's answer is malformed", e))
}

fn result(frame: &Frame) -> Result<String, Failure> {
    if let Some(result) = frame.result() {
        return Ok(result.to_owned());
    }
    let error = frame.error().and_then(|raw| Object::parse(raw).ok());
    let message = error
        .as_ref()
        .and_then(|e| e.string("message").ok().flatten());
    Err(Failure::new(
        Kind::Failed,
        message.unwrap_or("the request was refused".into()),
    ))
}

fn unanswered(method: &str) -> Failure {
    Failure::new(Kind::Failed, format!("`{method}` was not answered"))
}

fn odd(error: wire::ObjectError) -> Failure {
    Failure::internal("the gateway's answer is malformed", error)
}
