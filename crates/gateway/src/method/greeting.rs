//! `initialize` and `server/discover`: what the gateway says of itself and its servers, from what is known.

use wire::{Object, Version, meta, quote};

use crate::about;
use crate::asks::Capabilities;
use crate::call::Call;
use crate::error::Fault;
use crate::session::Hello;
use crate::view::View;

/// Handshake era. Never waits for a server, and answers whatever the client says of itself.
pub(super) fn initialize(call: &Call) -> Result<String, Fault> {
    let params = call.params().unwrap_or_else(|_| Object::empty());
    let requested = params
        .string("protocolVersion")
        .ok()
        .flatten()
        .unwrap_or_default();
    let version = Version::negotiate(&requested);
    let capabilities = Capabilities::read(params.get("capabilities").ok().flatten());
    let session = call
        .session
        .as_ref()
        .ok_or_else(|| Fault::Invalid("initialize needs a session".to_owned()))?;
    session.set_hello(Hello {
        version,
        capabilities,
        client: client_name(&params),
    });
    call.core.prewarm(call);
    let view = call.core.view(&call.side());
    let mut capabilities = vec![
        r#""tools":{"listChanged":true}"#.to_owned(),
        r#""prompts":{"listChanged":true}"#.to_owned(),
        r#""resources":{"subscribe":true,"listChanged":true}"#.to_owned(),
        r#""completions":{}"#.to_owned(),
        r#""logging":{}"#.to_owned(),
    ];
    capabilities.extend(relayed(&view, &["tasks", "experimental", "extensions"]));
    let instructions = instructions(&view);
    Ok(format!(
        r#"{{"protocolVersion":"{}","capabilities":{{{}}},"serverInfo":{}{instructions}}}"#,
        version.as_str(),
        capabilities.join(","),
        about::info()
    ))
}

/// Stateless era. Waits, within limits, for servers that were never seen: what they can do is the answer.
pub(super) async fn discover(call: &Call) -> Result<String, Fault> {
    let side = call.side();
    call.core.prewarm(call);
    call.core.first_lists(&side).await;
    let view = call.core.view(&side);
    let mut capabilities = vec![r#""tools":{"listChanged":true}"#.to_owned()];
    for (name, settings) in [
        ("prompts", r#"{"listChanged":true}"#),
        ("resources", r#"{"subscribe":true,"listChanged":true}"#),
        ("completions", "{}"),
        ("logging", "{}"),
    ] {
        if view.has_capability(name) || (name == "prompts" && view.has_own_prompts) {
            capabilities.push(format!(r#""{name}":{settings}"#));
        }
    }
    capabilities.extend(relayed(&view, &["experimental", "extensions"]));
    let (ttl, scope) = cache_hints(&view);
    let instructions = instructions(&view);
    Ok(format!(
        r#"{{"resultType":"complete","supportedVersions":["{}"],"capabilities":{{{}}}{instructions},"ttlMs":{ttl},"cacheScope":"{scope}",{}}}"#,
        Version::LATEST.as_str(),
        capabilities.join(","),
        server_info()
    ))
}

/// `_meta` with who we are, as each stateless result carries it.
pub(super) fn server_info() -> String {
    format!(r#""_meta":{{"{}":{}}}"#, meta::SERVER_INFO, about::info())
}

/// `ttlMs` and `cacheScope` of what is made of all servers.
pub(super) fn cache_hints(view: &View) -> (u64, &'static str) {
    (
        view.ttl_ms(),
        if view.is_public() {
            "public"
        } else {
            "private"
        },
    )
}

fn relayed(view: &View, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .filter_map(|name| Some(format!(r#""{name}":{}"#, view.united(name)?)))
        .collect()
}

fn instructions(view: &View) -> String {
    view.instructions().map_or(String::new(), |text| {
        format!(r#","instructions":{}"#, quote(&text))
    })
}

fn client_name(params: &Object<'_>) -> Box<str> {
    let info = params.object("clientInfo").ok().flatten();
    let text = |name| {
        info.as_ref()
            .and_then(|info| info.string(name).ok().flatten())
            .unwrap_or_default()
    };
    let (name, version) = (text("name"), text("version"));
    let whole = if version.is_empty() {
        name.into_owned()
    } else {
        format!("{name}/{version}")
    };
    whole
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect::<String>()
        .into()
}
