//! The gateway for many clients, over HTTP: the door, its token, and what is told when it opens.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use config::running::Hold;
use config::{LogFormat, Settings, Transport, token};
use gateway::front::Gateway;
use serde_json::json;
use server::{Auth, Names, Options, Pages, ServeError, Server, Shutdown, Tls};

use super::notify;
use super::presence::Presence;
use super::profiles;
use super::shared::Host;
use super::token_file;
use super::watch::{Reloading, Watch};
use crate::callers::Registry;
use crate::engine::Engine;
use crate::error::{Failure, Kind};
use crate::limits::{CALLERS_LOOK, DRAIN_GRACE};
use crate::load::how_to_name_some;
use crate::log::{Log, Notice};
use crate::ui::{self, Label, Line, Ui};

/// What is different about the gateway that all share.
pub(super) struct Share {
    pub(super) hold: Hold,
    pub(super) is_awaited: bool,
    pub(super) profile: Option<String>,
}

pub(super) async fn run(
    ui: &Ui,
    engine: &Engine,
    settings: &Settings,
    watching: Option<Reloading>,
    (share, how): (Option<Share>, profiles::How),
) -> Result<(), Failure> {
    let listen = address(settings)?;
    let (auth, new_token) = auth(engine, settings)?;
    let tls = tls(settings)?;
    let (profiles, maker) = profiles::of(&engine.here, how);
    let options = Options {
        profiles: Some(Arc::clone(&profiles) as _),
        hosts: Names::new(settings.allowed_hosts.iter().chain(&own_host(engine))),
        origins: Names::new(&settings.allowed_origins),
        body_bytes_max: settings.body_bytes_max,
        drain: DRAIN_GRACE,
        tls: tls.clone(),
        ..Options::new(listen, auth)
    };
    let shutdown =
        Shutdown::on_signals().map_err(|e| Failure::internal("signals cannot be heard", e))?;
    let door = Server::bind(options).await.map_err(refused)?;
    let at = door.addresses().first().copied().unwrap_or(listen);
    describe(engine, at, tls.is_some())?;
    // A certificate is for a name, and pages are for a browser on this machine.
    let pages = match tls {
        Some(_) => Arc::new(Pages::on_own_port()),
        None => door.pages(),
    };
    let gateway = engine.start(ui, Some(pages.clone()))?;
    let _watch = watching
        .map(|reloading| Watch::start(reloading, &gateway))
        .transpose()?;
    let url = url(at, settings.transport, tls.is_some());
    let transport = settings.transport.as_str();
    let socket = share
        .is_some()
        .then(|| engine.here.dirs.attach_socket(engine.id()));
    let presence = Presence::enter(
        engine,
        &gateway,
        door.readiness(),
        transport,
        Some(url.clone()),
        (socket.clone(), Some(Arc::clone(&profiles) as _)),
    );
    let opened = Opened {
        url: url.clone(),
        at,
        settings,
        engine,
        id: presence.id(),
        new_token,
    };
    opened.tell(ui);
    let others = Arc::clone(&profiles);
    let all = {
        let (first, profiles) = (gateway.clone(), profiles);
        move || [vec![first.clone()], server::Profiles::all(&*profiles)].concat()
    };
    let attending = attend(engine, all, tls);
    let attached = async {
        let Some((share, socket)) = share.zip(socket) else {
            return Ok(());
        };
        let Share {
            hold,
            profile,
            is_awaited,
        } = share;
        let host = Host::new(engine, settings, profile, others, gateway.clone(), hold);
        let serving = host.serve(socket, shutdown.clone())?;
        if is_awaited {
            notify::waiting(
                &json!({"gateway": presence.id(), "url": url, "pid": std::process::id()}),
            );
        }
        serving.await;
        Ok(())
    };
    let served = async {
        notify::ready(&engine.here.env);
        let served = door.serve(gateway.clone(), shutdown.clone());
        let served = async { served.await.map_err(refused) };
        tokio::try_join!(attached, served)
    };
    let served = tokio::select! {
        served = served => served,
        never = attending => match never {},
        never = tend_keys(engine) => match never {},
        never = maker.run(ui, engine, pages) => match never {},
    };
    presence.leave();
    served.map(|_| ())
}

fn refused(error: ServeError) -> Failure {
    let failure = Failure::new(Kind::Failed, "the gateway cannot listen").because(&error);
    match error {
        ServeError::InUse(_) => {
            failure.hint("`portolan server ls` shows the gateways that are running")
        }
        _ => failure,
    }
}

/// The address that is meant; of a name that has several, the one that most clients try.
fn address(settings: &Settings) -> Result<SocketAddr, Failure> {
    let (host, port) = (settings.host.as_str(), settings.port);
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    let wrong = || {
        Failure::usage(format!("`{host}` is no address of this machine"))
            .hint("for example --host 127.0.0.1")
    };
    let found: Vec<SocketAddr> = (bare, port)
        .to_socket_addrs()
        .map_err(|e| wrong().because(&e))?
        .collect();
    found
        .iter()
        .find(|a| a.is_ipv4())
        .or(found.first())
        .copied()
        .ok_or_else(wrong)
}

/// How clients prove who they are, and the token if nobody has seen it before.
fn auth(engine: &Engine, settings: &Settings) -> Result<(Auth, Option<String>), Failure> {
    if settings.allow_unauthenticated {
        return match engine.auth() {
            None => Ok((Auth::Open, None)),
            Some(_) => Err(Failure::new(
                Kind::Config,
                "`[auth]` names who may come in, and `allow_unauthenticated` lets everybody in",
            )
            .hint("remove one of the two")),
        };
    }
    let (token, is_new) = token::load_or_create(&engine.here.dirs, &engine.here.env)
        .map_err(|e| Failure::new(Kind::Config, "there is no token for clients").because(&e))?;
    let shown = is_new.then(|| token.reveal().to_owned());
    let callers = engine.callers()?;
    Ok((Auth::Callers(Arc::new(token), callers), shown))
}

/// The host by which clients know the gateway, where that is set.
fn own_host(engine: &Engine) -> Option<String> {
    let url = engine.auth()?.url.as_deref()?;
    let (_, rest) = url.split_once("://")?;
    rest.split('/').next().map(str::to_owned)
}

/// Says to callers with tokens of an issuer which address these have to be for.
fn describe(engine: &Engine, at: SocketAddr, is_secured: bool) -> Result<(), Failure> {
    let Some(auth) = engine.auth() else {
        return Ok(());
    };
    if auth.url.is_none() && at.ip().is_unspecified() {
        let why = "`[auth]` does not say by which address clients know this gateway, and it listens on all of this machine";
        let hint = "url = \"https://mcp.example.com\" below [auth]";
        return Err(Failure::new(Kind::Config, why).hint(hint));
    }
    let scheme = if is_secured { "https" } else { "http" };
    if let Some(callers) = engine.known_callers()
        && let Some(visitors) = callers.visitors()
    {
        visitors.listen_at(&format!("{scheme}://{at}"));
    }
    Ok(())
}

/// What connections are secured with.
fn tls(settings: &Settings) -> Result<Option<Tls>, Failure> {
    match (settings.tls_cert.as_str(), settings.tls_key.as_str()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(Failure::new(
            Kind::Config,
            "`tls_cert` and `tls_key` belong together: one of them is not set",
        )),
        (certificate, key) => match Tls::open(Path::new(certificate), Path::new(key)) {
            Ok(tls) => Ok(Some(tls)),
            Err(error) => Err(Failure::new(Kind::Config, error.to_string())),
        },
    }
}

/// Takes up what changes about callers, and about the certificate.
async fn attend(engine: &Engine, all: impl Fn() -> Vec<Gateway>, tls: Option<Tls>) -> Infallible {
    let callers = engine.known_callers();
    let warn = |message: String, hint: &str| {
        engine.notice(Notice {
            is_warning: true,
            target: "gateway",
            message,
            hint: Some(hint.to_owned()),
            members: Vec::new(),
        });
    };
    loop {
        tokio::time::sleep(CALLERS_LOOK).await;
        if let Some(Err(error)) = tls.as_ref().map(Tls::refresh) {
            warn(error.to_string(), "until then the former one is used");
        }
        let Some(callers) = &callers else { continue };
        match callers.refresh() {
            Ok(false) => {}
            Ok(true) => all().iter().for_each(Gateway::rules_changed),
            Err(error) => {
                all().iter().for_each(Gateway::rules_changed);
                warn(
                    error.to_string(),
                    "until then only the gateway's own token opens",
                );
            }
        }
    }
}

/// Keeps the keys of the issuer as they are now, if there is one, and tells once why they cannot be had.
async fn tend_keys(engine: &Engine) -> Infallible {
    let callers = engine.known_callers();
    let Some(visitors) = callers.as_deref().and_then(Registry::visitors) else {
        return std::future::pending().await;
    };
    let mut told = None;
    loop {
        let why = visitors.issuer().tend().await;
        if why.is_some() && why != told {
            let name = visitors.issuer().name();
            let message = why.clone().unwrap_or_default();
            engine.notice(Notice {
                is_warning: true,
                target: "gateway",
                message: format!("the keys of {name} cannot be had: {message}"),
                hint: Some("callers with its tokens are told to come back later".to_owned()),
                members: Vec::new(),
            });
            told = why;
        }
        tokio::time::sleep(CALLERS_LOOK).await;
    }
}

fn url(at: SocketAddr, transport: Transport, is_secured: bool) -> String {
    let path = if transport == Transport::Sse {
        "sse"
    } else {
        "mcp"
    };
    // Nobody can connect to "any address".
    let host = match at.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), at.port()),
        _ => at,
    };
    let scheme = if is_secured { "https" } else { "http" };
    format!("{scheme}://{host}/{path}")
}

struct Opened<'a> {
    url: String,
    at: SocketAddr,
    settings: &'a Settings,
    engine: &'a Engine,
    id: &'a str,
    new_token: Option<String>,
}

impl Opened<'_> {
    fn tell(&self, ui: &Ui) {
        if self.settings.allow_unauthenticated && !self.at.ip().is_loopback() {
            let hint = "remove --allow-unauthenticated, or listen on --host 127.0.0.1".to_owned();
            ui.warn(
                "everybody who reaches this port can call every tool",
                &[hint],
            );
        }
        let is_for_people = match self.settings.log_format {
            LogFormat::Auto => ui.err().terminal,
            LogFormat::Text => true,
            LogFormat::Json => false,
        };
        if is_for_people {
            self.banner(ui, ui.err().terminal);
        } else {
            ui::write_err(&Log::json(&self.notice()));
        }
    }

    /// The token is for the eyes of who sits there, not for a file that collects logs.
    fn banner(&self, ui: &Ui, is_watched: bool) {
        let row = |name: &'static str, label: Label, text: String| {
            ui.note(
                &Line::new()
                    .put(Label::Heading, format!("  {name:<8} "))
                    .put(label, text),
            );
        };
        ui.note(
            &Line::new()
                .put(Label::Heading, "portolan")
                .text(concat!(" ", env!("CARGO_PKG_VERSION"))),
        );
        row("url", Label::Name, self.url.clone());
        if self.at.ip().is_unspecified() {
            let all = format!("every address of this machine, port {}", self.at.port());
            row("at", Label::Warning, all);
        }
        let file = token_file(&self.engine.here).map(|file| file.display().to_string());
        let new_token = self.new_token.as_ref().filter(|_| is_watched);
        match (new_token, file) {
            _ if self.settings.allow_unauthenticated => {
                row("token", Label::Warning, "none is asked for".into());
            }
            (Some(token), Some(file)) => {
                row("token", Label::Plain, token.clone());
                row("", Label::Dim, format!("shown only now; kept in {file}"));
            }
            (_, Some(file)) => row("token", Label::Plain, format!("in {file}")),
            (_, None) => row("token", Label::Plain, "from the environment".into()),
        }
        match self.engine.server_count() {
            0 => {
                let how = how_to_name_some(&self.engine.here);
                row("servers", Label::Warning, format!("none: {how}"));
            }
            count => row("servers", Label::Plain, count.to_string()),
        }
        row("stop", Label::Dim, "Ctrl-C".into());
    }

    /// For programs: never the token.
    fn notice(&self) -> Notice {
        let file = token_file(&self.engine.here).filter(|_| !self.settings.allow_unauthenticated);
        let file = file.map(|file| file.display().to_string());
        Notice {
            target: "gateway",
            message: "listening".into(),
            members: vec![
                ("url", json!(self.url)),
                ("address", json!(self.at.to_string())),
                ("gateway", json!(self.id)),
                ("pid", json!(std::process::id())),
                ("version", json!(env!("CARGO_PKG_VERSION"))),
                ("servers", json!(self.engine.server_count())),
                (
                    "authentication",
                    json!(!self.settings.allow_unauthenticated),
                ),
                ("token_file", json!(file)),
            ],
            ..Notice::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_can_be_connected_to() {
        let url = |at: &str, transport| url(at.parse().unwrap(), transport, false);
        assert_eq!(
            url("127.0.0.1:8811", Transport::Streaming),
            "http://127.0.0.1:8811/mcp"
        );
        assert_eq!(url("0.0.0.0:1", Transport::Sse), "http://127.0.0.1:1/sse");
        assert_eq!(url("[::1]:1", Transport::Streaming), "http://[::1]:1/mcp");
    }

    #[test]
    fn hosts_are_addresses_or_names() {
        let host = |host: &str| {
            let mut settings = Settings::default();
            (settings.host, settings.port) = (host.to_owned(), 7);
            address(&settings)
        };
        assert_eq!(host("::1").unwrap(), "[::1]:7".parse().unwrap());
        assert_eq!(host("[::1]").unwrap(), "[::1]:7".parse().unwrap());
        assert_eq!(host("not a host").unwrap_err().kind(), Kind::Usage);
    }
}
