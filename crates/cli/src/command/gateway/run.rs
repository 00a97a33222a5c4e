//! `portolan gateway run`: what the flags say, then one of three ways to go on: `run/http.rs`,
//! `run/stdio.rs`, `run/dry.rs`. What `--watch` does beside the first two is in `run/watch.rs`.

mod attached;
mod dockers;
mod dry;
mod http;
mod notify;
mod presence;
mod profiles;
mod shared;
mod stdio;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use catalog::Layer;
use config::{Settings, Transport};

use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice, duration};
use crate::enabled::{Enabled, More, docker_catalogs};
use crate::engine::{self, Engine, Memory};
use crate::error::Failure;
use crate::images;
use crate::load::{check_tools, load};
use crate::log::Log;
use crate::surroundings::Surroundings;
use crate::ui::Ui;
use dockers::Dockers;
use watch::Reloading;

/// Run the gateway until its client leaves, or until Ctrl-C
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
#[command(after_help = "\
Examples:
  portolan gateway run                                  for an AI application, over stdio
  portolan gateway run --transport streaming            for many, at http://127.0.0.1:8811/mcp
  portolan gateway run --profile work                   with the servers of a profile
  portolan gateway run --config ~/.cursor/mcp.json --servers github,time --dry-run")]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    catalogs: CatalogChoice,

    #[command(flatten)]
    enabled: Enabled,

    #[command(flatten)]
    dockers: Dockers,

    /// Let agents find and add servers even where --servers names which there are
    #[arg(long)]
    dynamic: bool,

    /// Only these tools: tool, server:tool, server:* or *, separated by commas; case does not matter
    #[arg(long, value_name = "TOOL,...", value_delimiter = ',', value_parser = images::tool)]
    tools: Vec<String>,

    /// How clients reach it: stdio, streaming (also http, streamable, streamable-http) or sse
    /// [default: stdio]
    #[arg(long, value_name = "HOW", value_parser = transport)]
    transport: Option<Transport>,

    /// The address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,

    /// The port to listen on; 0 takes a free one [default: 8811]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Speak TLS with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<String>,

    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<String>,

    /// Let clients in without a token
    #[arg(long)]
    allow_unauthenticated: bool,

    /// Another name under which clients may reach it, as in their `Host` header (repeatable)
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    allow_host: Vec<String>,

    /// A web page that may ask, like https://example.org (repeatable)
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,

    /// Who looks at calls, as Docker's gateway has it: before:exec:SCRIPT, after:http:URL,
    /// before:docker:IMAGE ARGUMENTS (repeatable)
    #[arg(long, value_name = "SPEC", value_parser = config::Interceptor::parse)]
    interceptor: Vec<config::Interceptor>,

    /// What becomes of what looks like a secret in calls and answers: mask, refuse or off
    /// [default: mask]
    #[arg(long, value_name = "HOW", value_parser = ["off", "mask", "refuse"], conflicts_with = "block_secrets")]
    secret_scan: Option<String>,

    /// What becomes of a tool whose definition has changed since it was first seen: warn, hold or off
    /// [default: warn]
    #[arg(long, value_name = "HOW", value_parser = ["off", "warn", "hold"])]
    pin: Option<String>,

    /// Give up on a call after this time, like 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    call_timeout: Option<Duration>,

    /// Start every server, list what they offer and stop again; fails if one of them does
    #[arg(long, conflicts_with = "watch")]
    dry_run: bool,

    /// Take up changes of the files while it runs, as --profile does; a file with a mistake changes nothing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    watch: Option<bool>,

    /// Over stdio: a gateway of its own, even where `portolan up` has started one for all
    #[arg(long)]
    private: bool,

    /// Tell more on stderr: every call, and every server that starts
    #[arg(long, short)]
    verbose: bool,

    /// What is different about the gateway that all share.
    #[arg(skip)]
    sharing: Option<Sharing>,
}

/// The gateway that all share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sharing {
    /// Somebody waits for a line on our stdout; we are on our own then.
    pub(crate) is_awaited: bool,
}

/// Runs the gateway that all share, until it is told to stop.
pub(crate) fn shared(ui: &Ui, profile: Option<String>, sharing: Sharing) -> Result<(), Failure> {
    let args = Args {
        choice: Choice {
            profile,
            ..Choice::default()
        },
        transport: Some(Transport::Streaming),
        watch: Some(true),
        sharing: Some(sharing),
        ..Args::default()
    };
    run(ui, &args)
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let mut here = Surroundings::of_choice(&args.choice)?;
    let args = &args.meant(ui, &here)?;
    if args.sharing.is_some() {
        // It works for clients everywhere, so nothing of where it was started counts.
        here.cwd = None;
    }
    let mut flags = args.settings();
    if args.sharing.is_some_and(|sharing| sharing.is_awaited) {
        // The record of calls is kept within bounds, its log file is not.
        flags.push(("log_calls".to_owned(), "false".to_owned()));
    }
    let can_watch = can_be_watched(&args.choice);
    // Profiles are changed by commands and agents, who expect it to be seen.
    let is_watching = match args.watch {
        Some(true) => can_watch.map(|()| true)?,
        Some(false) => false,
        None => args.choice.profile.is_some() && can_watch.is_ok(),
    };
    catalogs::check(&args.catalogs)?;
    here.open_secrets(ui);
    let mut loaded = load(ui, &here, &args.choice, &flags)?;
    loaded.interceptors.extend(args.interceptor.iter().cloned());
    listening_only(&loaded.settings)?;
    args.dockers.check(&loaded.settings)?;
    check_tools(&loaded.entries, &args.tools)?;
    if args.dry_run {
        let engine = Engine::new(here, loaded)
            .patient(Memory::Fresh)
            .tools(&args.tools);
        return dry::run(ui, engine);
    }
    let settings = loaded.settings.clone();
    let file = args.dockers.log_file()?;
    let log = Log::start(ui.err(), &settings, args.verbose, file)
        .map_err(|e| Failure::internal("the log does not start", e))?;
    let log = Arc::new(log);
    let rules = Arc::new(gateway::Rules::new(loaded.policy.clone()));
    let watching = is_watching.then(|| {
        let (here, choice) = (here.clone(), args.choice.clone());
        let read = (flags.clone(), loaded.clone());
        Reloading::new(here, choice, read, Arc::clone(&log), Arc::clone(&rules))
    });
    let how = profiles::How {
        choice: args.choice.clone(),
        flags,
        log: Arc::clone(&log),
    };
    // Who names the servers has found them already.
    let is_dynamic = args.dynamic || (settings.dynamic_tools && args.choice.servers.is_none());
    let catalogs = is_dynamic.then(|| Chosen::begin(&here, &args.catalogs));
    let hello = match settings.transport {
        Transport::Stdio => attached::hello(&here, args, &loaded),
        Transport::Streaming | Transport::Sse => None,
    };
    let hold = args.sharing.map(|_| shared::hold(&here)).transpose()?;
    let (sharing, profile) = (args.sharing, args.choice.profile.clone());
    let share = hold.zip(sharing).map(|(hold, sharing)| http::Share {
        hold,
        is_awaited: sharing.is_awaited,
        profile,
    });
    let engine = Engine::new(here, loaded)
        .tools(&args.tools)
        .rules(rules)
        .dynamic(catalogs)
        .profile(args.choice.profile.clone())
        .log(log);
    engine::block_on(async {
        let done = match settings.transport {
            Transport::Stdio => {
                let found = match &hello {
                    Some(hello) => attached::find(&engine, hello).await.zip(Some(hello)),
                    None => None,
                };
                match found {
                    Some((pipe, hello)) => attached::run(ui, &engine, watching, hello, pipe).await,
                    None => stdio::run(ui, &engine, watching).await,
                }
            }
            Transport::Streaming | Transport::Sse => {
                http::run(ui, &engine, &settings, watching, (share, how)).await
            }
        };
        engine.finish();
        done
    })
}

impl Args {
    /// The same with everything that flags leave to be found out: the profile where none is named, names of Docker's files, what
    /// lies in registries.
    fn meant(&self, ui: &Ui, here: &Surroundings) -> Result<Self, Failure> {
        let mut args = self.clone();
        args.choice = self.choice(ui, here)?;
        args.catalogs = docker_catalogs(&here.env, &args.catalogs);
        self.dockers.tell(ui);
        Ok(args)
    }

    /// Puts what another command says of servers over what these flags say.
    pub(crate) fn take(&mut self, said: &Choice) {
        self.choice.lay_over(said);
    }

    /// Which servers these flags mean.
    pub(crate) fn choice(&self, ui: &Ui, here: &Surroundings) -> Result<Choice, Failure> {
        let mut choice = self.choice.clone();
        if self.enabled.enable_all_servers {
            choice.servers = None;
        }
        if choice.servers.is_none() && self.enabled.is_none() {
            choice.profile = crate::profiles::or_default(here, choice.profile.as_deref());
        }
        for file in &mut choice.config {
            *file = config::docker_file(&here.env, "mcp", file);
        }
        if !self.enabled.is_default() || choice.servers.is_some() {
            let from = (&self.enabled, &self.catalogs);
            choice.more = Box::new(More::of(ui, here, from)?);
        }
        choice.more.tools.clone_from(&self.tools);
        if let Some(names) = &mut choice.servers {
            names.extend(choice.more.pulled_names());
        }
        Ok(choice)
    }

    /// Whether nothing is asked for that the shared gateway might not have.
    fn is_plain(&self) -> bool {
        let plain = Self {
            choice: Choice {
                profile: self.choice.profile.clone(),
                ..Choice::default()
            },
            transport: self.transport,
            ..Self::default()
        };
        *self == plain
    }

    /// The flags that are settings, as [`config::load`] wants them.
    fn settings(&self) -> Vec<(String, String)> {
        let seconds = self
            .call_timeout
            .map(|limit| limit.as_millis().div_ceil(1_000).to_string());
        let some = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
        let flags = [
            ("transport", self.transport.map(|t| t.to_string())),
            ("host", self.host.clone()),
            ("port", self.port.map(|p| p.to_string())),
            (
                "allow_unauthenticated",
                self.allow_unauthenticated.then(|| "true".to_owned()),
            ),
            ("allowed_hosts", some(&self.allow_host)),
            ("allowed_origins", some(&self.allow_origin)),
            ("call_timeout_s", seconds),
            ("tls_cert", self.tls_cert.clone()),
            ("tls_key", self.tls_key.clone()),
            ("secret_scan", self.secret_scan.clone()),
            (
                "secret_scan",
                self.dockers
                    .block_secrets
                    .map(|is_on| if is_on { "refuse" } else { "off" }.to_owned()),
            ),
            (
                "log_calls",
                self.dockers.log_calls.map(|is_on| is_on.to_string()),
            ),
            ("open_network", self.dockers.block_network.then(String::new)),
            (
                "allow_unsandboxed",
                self.dockers.block_network.then(|| "false".to_owned()),
            ),
            ("pin", self.pin.clone()),
        ];
        flags
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

fn transport(word: &str) -> Result<Transport, String> {
    Transport::parse(word).ok_or_else(|| "there are stdio, streaming and sse".into())
}

/// What can be read only once cannot be read again.
fn can_be_watched(choice: &Choice) -> Result<(), Failure> {
    let is_stream = |file: &&PathBuf| {
        std::fs::metadata(file).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
    };
    match choice.config.iter().find(is_stream) {
        Some(file) => Err(Failure::usage(format!(
            "--watch cannot watch {}: it is no regular file",
            file.display()
        ))),
        None => Ok(()),
    }
}

/// Over stdio nothing listens: whoever asks for a port expects something else.
fn listening_only(settings: &Settings) -> Result<(), Failure> {
    if settings.transport != Transport::Stdio {
        return Ok(());
    }
    for (flag, name) in [
        ("--port", "port"),
        ("--tls-cert", "tls_cert"),
        ("--host", "host"),
        ("--allow-unauthenticated", "allow_unauthenticated"),
        ("--allow-host", "allowed_hosts"),
        ("--allow-origin", "allowed_origins"),
    ] {
        if settings.origin(name).layer == Layer::Flag
            && settings.origin(name).source.starts_with("--")
        {
            return Err(Failure::usage(format!("{flag} means nothing over stdio"))
                .hint("add --transport streaming"));
        }
    }
    Ok(())
}

/// Where the token lies, if it lies in a file.
fn token_file(here: &Surroundings) -> Option<PathBuf> {
    use config::env::{MCP_GATEWAY_AUTH_TOKEN, PORTOLAN_AUTH_TOKEN, PORTOLAN_AUTH_TOKEN_FILE};
    let is_set = |name: &str| here.env.os(name).is_some_and(|value| !value.is_empty());
    if is_set(PORTOLAN_AUTH_TOKEN) || is_set(MCP_GATEWAY_AUTH_TOKEN) {
        return None;
    }
    let named = here
        .env
        .os(PORTOLAN_AUTH_TOKEN_FILE)
        .filter(|file| !file.is_empty());
    Some(named.map_or_else(|| here.dirs.token_file(), PathBuf::from))
}
