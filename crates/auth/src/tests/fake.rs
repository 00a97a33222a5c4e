//! A server that wants tokens and one that gives them, at one port.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::{Url, form_urlencoded};

use crate::proof;

/// What it does differently, and what it has seen.
#[derive(Default)]
pub(super) struct Knobs {
    /// Members that its metadata has instead.
    pub(super) metadata: Value,
    /// The same of the description of the server.
    pub(super) description: Value,
    /// Paths that are not there.
    pub(super) missing: Vec<&'static str>,
    /// Paths that lead on to elsewhere.
    pub(super) moved: HashMap<&'static str, String>,
    pub(super) challenge: Option<String>,
    /// What its pages come back with beside code and state.
    pub(super) iss: Option<String>,
    pub(super) foreign_state: bool,
    pub(super) denied: bool,
    /// Of the tokens that it gives.
    pub(super) life_s: Option<u64>,
    pub(super) refuses_refresh: Option<&'static str>,
    pub(super) broken_refresh: bool,
    pub(super) secret: Option<&'static str>,
    pub(super) pending: u32,
    /// Its keys.
    pub(super) keys: Value,
    /// Every request, by method and path, and its body.
    pub(super) seen: Vec<(String, HashMap<String, String>)>,
    /// `Authorization` of the last one to the token endpoint.
    pub(super) authorization: Option<String>,
    given: u32,
    pub(super) registered: u32,
    challenges: HashMap<String, String>,
}

pub(super) struct Fake {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<Knobs>>,
    _tasks: JoinSet<()>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<Knobs>>::default();
        let (mut tasks, shared) = (JoinSet::new(), state.clone());
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, address, shared.clone()));
            }
        });
        Self {
            address,
            state,
            _tasks: tasks,
        }
    }

    pub(super) fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.state.lock().unwrap()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The bodies of the requests to a path.
    pub(super) fn asked(&self, what: &str) -> Vec<HashMap<String, String>> {
        let seen = &self.knobs().seen;
        let asked = seen.iter().filter(|(path, _)| path == what);
        asked.map(|(_, body)| body.clone()).collect()
    }

    /// What a browser would come back with from there, where the person agrees.
    pub(super) async fn approve(&self, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let mut knobs = self.knobs();
        let code = format!("code-{}", knobs.challenges.len());
        knobs
            .challenges
            .insert(code.clone(), asked["code_challenge"].clone());
        let state = match knobs.foreign_state {
            true => "another",
            false => &asked["state"],
        };
        let mut back = form_urlencoded::Serializer::new(String::new());
        back.append_pair("state", state);
        match knobs.denied {
            true => back.append_pair("error", "access_denied"),
            false => back.append_pair("code", &code),
        };
        if let Some(iss) = &knobs.iss {
            back.append_pair("iss", iss);
        }
        knobs.seen.push(("/authorize".to_owned(), asked));
        back.finish()
    }
}

async fn serve(mut stream: TcpStream, address: SocketAddr, state: Arc<Mutex<Knobs>>) {
    let mut bytes = Vec::new();
    let head = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let headers: HashMap<String, String> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let path = text.split(' ').nth(1).unwrap().to_owned();
    let answer = answer(&path, &headers, &bytes[head..], address, &state);
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn answer(
    path: &str,
    headers: &HashMap<String, String>,
    body: &[u8],
    address: SocketAddr,
    state: &Mutex<Knobs>,
) -> String {
    let mut knobs = state.lock().unwrap();
    let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    knobs.seen.push((path.to_owned(), form.clone()));
    let base = format!("http://{address}");
    if knobs
        .missing
        .iter()
        .any(|missing| path.starts_with(missing))
    {
        return said(404, "", "no");
    }
    if let Some(to) = knobs.moved.get(path) {
        return said(302, &format!("Location: {to}\r\n"), "");
    }
    match path {
        "/mcp" => {
            let challenge = knobs.challenge.clone();
            let challenge = challenge.unwrap_or_else(|| "Bearer realm=\"x\"".to_owned());
            said(401, &format!("WWW-Authenticate: {challenge}\r\n"), "")
        }
        "/.well-known/oauth-protected-resource/mcp" | "/described" => told(
            json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]}),
            &knobs.description,
        ),
        "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => told(
            json!({
                "issuer": base,
                "authorization_endpoint": format!("{base}/authorize?tenant=1"),
                "token_endpoint": format!("{base}/token"),
                "jwks_uri": format!("{base}/jwks"),
                "registration_endpoint": format!("{base}/register"),
                "revocation_endpoint": format!("{base}/revoke"),
                "device_authorization_endpoint": format!("{base}/device"),
                "code_challenge_methods_supported": ["S256"],
            }),
            &knobs.metadata,
        ),
        "/jwks" => said(200, "", &json!({"keys": knobs.keys}).to_string()),
        "/register" => {
            knobs.registered += 1;
            let mut given = json!({"client_id": format!("client-{}", knobs.registered)});
            if let Some(secret) = knobs.secret {
                given["client_secret"] = json!(secret);
            }
            said(201, "", &given.to_string())
        }
        "/device" => said(200, "", &json!({
            "device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": format!("{base}/here"),
            "expires_in": 60, "interval": 1,
        }).to_string()),
        "/token" => {
            knobs.authorization = headers.get("authorization").cloned();
            token(&form, &mut knobs)
        }
        "/revoke" => said(200, "", ""),
        _ => said(404, "", "no"),
    }
}

fn token(form: &HashMap<String, String>, knobs: &mut Knobs) -> String {
    let error = |code: &str| said(400, "", &json!({"error": code}).to_string());
    match form["grant_type"].as_str() {
        "authorization_code" => {
            let verifier = secrets::Secret::new(&form["code_verifier"]).unwrap();
            let shown = knobs.challenges.remove(&form["code"]);
            if shown != Some(proof::challenge(&verifier)) {
                return error("invalid_grant");
            }
        }
        "refresh_token" => {
            if knobs.broken_refresh {
                return said(503, "", "busy");
            }
            if let Some(code) = knobs.refuses_refresh {
                return error(code);
            }
            // Each is good once, as of servers that rotate them.
            if form["refresh_token"] != format!("refresh-{}", knobs.given) {
                return error("invalid_grant");
            }
        }
        "client_credentials" => {}
        _ if knobs.pending > 0 => {
            knobs.pending -= 1;
            return error("authorization_pending");
        }
        _ => {}
    }
    knobs.given += 1;
    let mut given = json!({
        "access_token": format!("access-{}", knobs.given),
        "refresh_token": format!("refresh-{}", knobs.given),
        "token_type": "Bearer",
    });
    if let Some(life) = knobs.life_s {
        given["expires_in"] = json!(life);
    }
    said(200, "", &given.to_string())
}

fn told(mut usual: Value, instead: &Value) -> String {
    for (name, value) in instead.as_object().into_iter().flatten() {
        match value.is_null() {
            true => drop(usual.as_object_mut().unwrap().remove(name)),
            false => usual[name] = value.clone(),
        }
    }
    said(
        200,
        "Content-Type: application/json\r\n",
        &usual.to_string(),
    )
}

fn said(status: u16, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
