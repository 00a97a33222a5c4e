//! What a run consists of: the gateway, five sound servers, and twenty with different bad habits, over both transports
//! and of every era. Those over HTTP are started here, and again when they were killed.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::dice::Dice;
use super::processes::{MARK, SERVER};
use crate::misbehaving::HABITS;

/// How many servers misbehave.
pub(super) const MISBEHAVING: usize = 20;
/// How many are sound; the last two of them over HTTP.
pub(super) const SOUND: usize = 5;
const SOUND_OVER_HTTP: usize = 2;
/// How many of the others are over HTTP.
const MISBEHAVING_OVER_HTTP: usize = 8;
/// How long a program may take to say where it listens.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);
/// Before one that could not is started again.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// Calls to servers that misbehave end after so many seconds, those to sound ones never by that.
const CALL_TIMEOUT_S: u64 = 1;

/// A server of the run.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) is_sound: bool,
    /// What starts it.
    line: Vec<String>,
    pub(super) is_http: bool,
    /// Where it listens, once it did.
    port: u16,
    child: Option<Child>,
    shares: &'static str,
}

/// The folder of a run and the programs in it.
pub(super) struct Programs {
    pub(super) home: PathBuf,
    pub(super) gateway: PathBuf,
    pub(super) fixture: PathBuf,
    pub(super) misbehaving: PathBuf,
}

/// A gateway that listens.
pub(super) struct Gateway {
    pub(super) child: Child,
    pub(super) pid: u32,
    pub(super) address: SocketAddr,
}

impl Programs {
    pub(super) fn command(&self, line: &[String], server: Option<&str>) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "what is tested is programs, from outside"
        )]
        let mut command = Command::new(&line[0]);
        command
            .args(&line[1..])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.home)
            .env("PORTOLAN_HOME", self.home.join("portolan"))
            .env(MARK, &self.home)
            .envs(server.map(|name| (SERVER, name)))
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn path(&self, program: &Path) -> String {
        program.display().to_string()
    }

    /// The servers of a run, none of them started.
    pub(super) fn fleet(&self, dice: &mut Dice) -> Vec<Server> {
        let mut fleet: Vec<Server> = (0..SOUND)
            .map(|n| {
                let is_http = n >= SOUND - SOUND_OVER_HTTP;
                let front = if is_http { "--http" } else { "--stdio" };
                let line = vec![self.path(&self.fixture), front.to_owned()];
                Server::new(format!("sound-{n}"), true, line, is_http, "all")
            })
            .collect();
        let mut habits: Vec<_> = HABITS.iter().collect();
        dice.shuffle(&mut habits);
        let (mut http, mut stdio) = (MISBEHAVING_OVER_HTTP, MISBEHAVING - MISBEHAVING_OVER_HTTP);
        for habit in habits {
            let left = [&mut http, &mut stdio];
            let can = [habit.over.http(), habit.over.stdio()];
            let first = dice.below(2);
            let Some(over) = [first, 1 - first]
                .into_iter()
                .find(|over| can[*over] && *left[*over] > 0)
            else {
                continue;
            };
            *left[over] -= 1;
            let era = ["handshake", "stateless", "both", "both"][dice.below(4)];
            // They run beside what is measured: it is the gateway that must not suffer, whatever the machine is like.
            let mut line: Vec<String> = ["nice", "-n", "19"].map(str::to_owned).to_vec();
            line.extend([
                self.path(&self.misbehaving),
                habit.name.to_owned(),
                "--era".to_owned(),
                era.to_owned(),
            ]);
            if over == 0 {
                line.push("--http".to_owned());
            }
            let shares = ["workspace", "caller", "all"][dice.below(3)];
            fleet.push(Server::new(
                habit.name.to_owned(),
                false,
                line,
                over == 0,
                shares,
            ));
        }
        fleet
    }

    /// One more sound server, which the gateway does not know and nobody kills: what it suffers is the machine's doing.
    pub(super) fn control(&self) -> Server {
        let line = vec![self.path(&self.fixture), "--http".to_owned()];
        Server::new("control".to_owned(), true, line, true, "all")
    }

    /// Starts a gateway before these servers.
    pub(super) async fn gateway(&self, fleet: &[Server]) -> io::Result<Gateway> {
        let config = self.home.join("servers.json");
        let entries: serde_json::Map<String, Value> = fleet
            .iter()
            .map(|server| (server.name.clone(), server.entry(&self.home)))
            .collect();
        std::fs::write(&config, json!({ "mcpServers": entries }).to_string())?;
        let mut line = vec![self.path(&self.gateway)];
        let words = [
            "gateway",
            "run",
            "--transport",
            "streaming",
            "--port",
            "0",
            "--allow-unauthenticated",
            "--config",
        ];
        line.extend(words.map(str::to_owned));
        line.push(config.display().to_string());
        let mut command = self.command(&line, None);
        command
            // Every tool that is listed belongs to a server of the fleet.
            .env("PORTOLAN_DYNAMIC_TOOLS", "false")
            .env("PORTOLAN_LIST_WAIT_S", "3")
            .env("PORTOLAN_START_TIMEOUT_S", "5")
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let address = listens(
            &mut child,
            "\"url\":\"http://",
            Some(&self.home.join("gateway.log")),
        )
        .await?;
        let pid = child.id().unwrap_or(0);
        Ok(Gateway {
            child,
            pid,
            address,
        })
    }
}

impl Server {
    fn new(
        name: String,
        is_sound: bool,
        line: Vec<String>,
        is_http: bool,
        shares: &'static str,
    ) -> Self {
        Self {
            name,
            is_sound,
            line,
            is_http,
            port: 0,
            child: None,
            shares,
        }
    }

    /// How the gateway is told of it.
    fn entry(&self, home: &Path) -> Value {
        let mut entry = if self.is_http {
            json!({"type": "http", "url": format!("http://127.0.0.1:{}/mcp", self.port)})
        } else {
            json!({"command": self.line[0], "args": self.line[1..],
                "env": {MARK: home, SERVER: self.name}})
        };
        entry["share"] = json!(self.shares);
        if !self.is_sound {
            entry["call_timeout_s"] = json!(CALL_TIMEOUT_S);
        }
        entry
    }

    /// The name of its tool for clients, whatever other tools are called.
    pub(super) fn tool(&self) -> String {
        format!("{}__echo", self.name)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// How it is described in the table.
    pub(super) fn about(&self) -> String {
        let era = self.line.iter().skip_while(|word| *word != "--era").nth(1);
        let front = if self.is_http { "http" } else { "stdio" };
        format!(
            "{} ({front}, {}, {})",
            self.name,
            era.map_or("both", String::as_str),
            self.shares
        )
    }

    /// Starts it, or starts it again where it listened before.
    pub(super) async fn listen(&mut self, programs: &Programs) -> io::Result<()> {
        if let Some(child) = &mut self.child
            && child.try_wait()?.is_none()
        {
            return Ok(());
        }
        let begun = Instant::now();
        loop {
            match self.start(programs).await {
                // While it was down, somebody's connection may have taken its port for a while.
                Err(_) if self.port != 0 && begun.elapsed() < LISTENS_WITHIN => {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                started => return started,
            }
        }
    }

    async fn start(&mut self, programs: &Programs) -> io::Result<()> {
        let mut line = self.line.clone();
        line.push(self.port.to_string());
        let mut command = programs.command(&line, Some(&self.name));
        command.stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let address = listens(&mut child, "http://", None).await;
        self.port = address
            .map_err(|error| io::Error::other(format!("{}: {error}", self.name)))?
            .port();
        self.child = Some(child);
        Ok(())
    }

    /// Ends it.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        match self.child.take() {
            Some(mut child) => child.kill().await,
            None => Ok(()),
        }
    }
}

/// Where a program says on stderr that it listens. What it says later is kept or thrown away, but read.
async fn listens(child: &mut Child, before: &str, log: Option<&Path>) -> io::Result<SocketAddr> {
    let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut lines = BufReader::new(stderr);
    let found = async {
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await? == 0 {
                return Err(io::Error::other("a program ended before it listened"));
            }
            let address = line.split_once(before).map(|(_, rest)| rest);
            let address = address.and_then(|rest| rest.split('/').next()?.parse().ok());
            if let Some(address) = address {
                return Ok(address);
            }
        }
    };
    let address = tokio::time::timeout(LISTENS_WITHIN, found).await??;
    let mut log = log.map(File::create).transpose()?;
    tokio::spawn(async move {
        let mut some = vec![0; 16 << 10];
        while let Ok(length @ 1..) = lines.read(&mut some).await {
            if let Some(log) = &mut log {
                // A log that cannot be written is missed by whoever looks for it.
                let _ = io::Write::write_all(log, &some[..length]);
            }
        }
    });
    Ok(address)
}
