//! What is measured: how each relay is started, and where it is reached.
//!
//! Every relay stands before the same echo server and gets the same requests, token included. A relay that does not
//! start is reported and left out; the others are still measured.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portolan_benches::Era;
use serde_json::json;

use crate::http::Endpoint;
use crate::process::{Running, pause};

/// The name that Portolan's rows have.
pub(crate) const PORTOLAN: &str = "portolan";
pub(crate) const NGINX: &str = "nginx";
pub(crate) const DIRECT: &str = "direct";
pub(crate) const BLIND: &str = "blind";

const LISTEN_WAIT: Duration = Duration::from_secs(90);

/// The binaries and the folder of a run.
pub(crate) struct Bench {
    pub gateway: PathBuf,
    pub echo: PathBuf,
    pub blind: PathBuf,
    pub folder: PathBuf,
    pub token: String,
}

/// Something to load over HTTP.
pub(crate) struct HttpSubject {
    pub name: String,
    pub endpoint: Endpoint,
    /// None where it was running before, and for the echo server itself.
    pub process: Option<Running>,
    /// Where its stderr goes.
    errors: Option<PathBuf>,
}

/// Something to load over stdio.
pub(crate) struct StdioSubject {
    pub name: String,
    pub command: Vec<String>,
}

impl Bench {
    pub(crate) fn endpoint(&self, port: u16, path: &str) -> Endpoint {
        Endpoint {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            path: path.into(),
            token: self.token.clone(),
        }
    }

    /// The echo server over HTTP, and its subject.
    pub(crate) fn echo(
        &self,
        era: Era,
        port: u16,
        sse: bool,
    ) -> io::Result<(Running, HttpSubject)> {
        let port = if port == 0 { free_port()? } else { port };
        let mut command = vec![text(&self.echo), "--port".into(), port.to_string()];
        let flags = [("--sse", sse), ("--stateless", era == Era::Stateless)];
        let flags = flags.into_iter().filter(|(_, is_set)| *is_set);
        command.extend(flags.map(|(flag, _)| flag.to_owned()));
        let endpoint = self.endpoint(port, "/mcp");
        let mut subject = self.spawn(DIRECT, &command, &[], endpoint)?.listening()?;
        let process = subject.process.take().ok_or(io::ErrorKind::NotFound)?;
        Ok((process, subject))
    }

    /// Debian's nginx as a plain reverse proxy: keep-alive on both sides, nothing logged, nothing spooled to disk.
    pub(crate) fn nginx(&self, upstream: &Endpoint) -> io::Result<HttpSubject> {
        let (port, folder, echo) = (free_port()?, text(&self.folder), upstream.address);
        let user = if rustix::process::geteuid().is_root() {
            "user root;"
        } else {
            ""
        };
        let config = format!(
            "{user}\nworker_processes 2;\ndaemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log crit;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n  access_log off;\n  client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  \
             fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  \
             upstream echo {{ server {echo}; keepalive 256; keepalive_requests 1000000000; }}\n  \
             server {{\n    listen 127.0.0.1:{port};\n    keepalive_requests 1000000000;\n    keepalive_timeout 600s;\n    \
             client_max_body_size 0;\n    client_body_buffer_size 256k;\n    \
             location / {{\n      proxy_pass http://echo;\n      proxy_http_version 1.1;\n      \
             proxy_set_header Connection \"\";\n      proxy_buffer_size 16k;\n      proxy_buffers 16 16k;\n    }}\n  }}\n}}\n"
        );
        let path = self.folder.join("nginx.conf");
        fs::write(&path, config)?;
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let command = [
            program.unwrap_or("nginx"),
            "-p",
            &folder,
            "-e",
            &format!("{folder}/nginx.log"),
            "-c",
            &text(&path),
        ];
        let command = command.map(Into::into);
        self.spawn(NGINX, &command, &[], self.endpoint(port, "/mcp"))?
            .listening()
    }

    /// Portolan over HTTP with the given servers, as people run it, dynamic tools and all. It may not listen yet.
    pub(crate) fn portolan(&self, config: &Path, home: &str) -> io::Result<HttpSubject> {
        let port = free_port()?;
        let more = ["--transport", "streaming", "--port", &port.to_string()];
        let home = self.home(home)?;
        let environment = [
            ("PORTOLAN_HOME", home.as_str()),
            ("MCP_GATEWAY_AUTH_TOKEN", &self.token),
        ];
        let command = self.gateway_command(config, &more);
        self.spawn(
            PORTOLAN,
            &command,
            &environment,
            self.endpoint(port, "/mcp"),
        )
    }

    fn spawn(
        &self,
        name: &str,
        command: &[String],
        environment: &[(&str, &str)],
        endpoint: Endpoint,
    ) -> io::Result<HttpSubject> {
        let errors = self.folder.join(format!("{name}.err"));
        let process = Running::start(command, environment, &errors)?;
        Ok(HttpSubject {
            name: name.into(),
            endpoint,
            process: Some(process),
            errors: Some(errors),
        })
    }

    /// `gateway run` with what comes after it.
    pub(crate) fn gateway_command(&self, config: &Path, more: &[&str]) -> Vec<String> {
        let mut command: Vec<String> = [
            &text(&self.gateway),
            "gateway",
            "run",
            "--config",
            &text(config),
        ]
        .map(std::borrow::ToOwned::to_owned)
        .into();
        command.extend(more.iter().map(|part| (*part).to_owned()));
        command
    }

    /// An empty folder for everything that a gateway keeps.
    pub(crate) fn home(&self, name: &str) -> io::Result<String> {
        let path = self.folder.join(name);
        fs::create_dir_all(&path)?;
        Ok(text(&path))
    }

    /// Portolan over stdio. Its home comes by `env`, so that it can be started as any other command is.
    pub(crate) fn portolan_stdio(&self, config: &Path, home: &str) -> io::Result<Vec<String>> {
        let mut command = vec![
            "/usr/bin/env".into(),
            format!("PORTOLAN_HOME={}", self.home(home)?),
        ];
        command.extend(self.gateway_command(config, &["--transport", "stdio"]));
        Ok(command)
    }

    /// The echo server over stdio, working for so long on each message.
    pub(crate) fn echo_command(&self, work_us: u64) -> Vec<String> {
        vec![
            text(&self.echo),
            "--stdio".into(),
            format!("--work-us={work_us}"),
        ]
    }

    pub(crate) fn blind_command(&self, work_us: u64) -> Vec<String> {
        let mut command = vec![text(&self.blind)];
        command.extend(self.echo_command(work_us));
        command
    }

    /// Writes a config whose one server is reached by URL.
    pub(crate) fn config_with_url(&self, upstream: &Endpoint) -> io::Result<PathBuf> {
        let url = format!("http://{}{}", upstream.address, upstream.path);
        self.config(
            &format!("http-{}.json", upstream.address.port()),
            &json!({"mcpServers": {"echo": {"type": "http", "url": url}}}),
        )
    }

    /// Writes a config of `count` echo servers over stdio.
    pub(crate) fn config_with_commands(&self, count: usize, work_us: u64) -> io::Result<PathBuf> {
        let command = self.echo_command(work_us);
        let entry = json!({"command": command[0], "args": command[1..]});
        let servers: serde_json::Map<_, _> = (0..count)
            .map(|index| (format!("echo{index:03}"), entry.clone()))
            .collect();
        self.config(
            &format!("stdio-{count}-{work_us}.json"),
            &json!({"mcpServers": servers}),
        )
    }

    fn config(&self, name: &str, content: &serde_json::Value) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, content.to_string())?;
        Ok(path)
    }

    /// A peer as it was named on the command line. It may not listen yet.
    pub(crate) fn peer(&self, argument: &str, upstream: &Endpoint) -> io::Result<HttpSubject> {
        let (name, target) = argument
            .split_once('=')
            .ok_or_else(|| bad("--peer needs NAME=URL or NAME=COMMAND"))?;
        let (name, path) = name.split_once('/').unwrap_or((name, "mcp"));
        if let Some(rest) = target.strip_prefix("http://") {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let address = host
                .to_socket_addrs()?
                .next()
                .ok_or_else(|| bad("the peer's host has no address"))?;
            let endpoint = Endpoint {
                address,
                ..self.endpoint(0, &format!("/{path}"))
            };
            return Ok(HttpSubject::running(name, endpoint));
        }
        let port = free_port()?;
        let url = format!("http://{}{}", upstream.address, upstream.path);
        let line = target
            .replace("{port}", &port.to_string())
            .replace("{upstream}", &url);
        let command = ["sh", "-c", &format!("exec {line}")].map(Into::into);
        let environment = [("MCP_GATEWAY_AUTH_TOKEN", self.token.as_str())];
        self.spawn(
            name,
            &command,
            &environment,
            self.endpoint(port, &format!("/{path}")),
        )
    }

    /// A peer over stdio as it was named on the command line.
    pub(crate) fn stdio_peer(&self, argument: &str) -> io::Result<StdioSubject> {
        let (name, line) = argument
            .split_once('=')
            .ok_or_else(|| bad("--stdio-peer needs NAME=COMMAND"))?;
        let line = line.replace("{echo}", &self.echo_command(0).join(" "));
        Ok(StdioSubject {
            name: name.into(),
            command: ["sh", "-c", &format!("exec {line}")].map(Into::into).into(),
        })
    }
}

impl HttpSubject {
    /// One that runs already.
    fn running(name: &str, endpoint: Endpoint) -> Self {
        Self {
            name: name.into(),
            endpoint,
            process: None,
            errors: None,
        }
    }

    /// Waits until it listens.
    pub(crate) fn listening(mut self) -> io::Result<Self> {
        let address = self.endpoint.address;
        let deadline = Instant::now() + LISTEN_WAIT;
        while TcpStream::connect(address).is_err() {
            self.check()?;
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("nothing listens on {address}")));
            }
            pause(Duration::from_millis(2));
        }
        Ok(self)
    }

    /// Fails if it has ended, with what it said.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        process.check().map_err(|error| {
            let said = self
                .errors
                .as_ref()
                .and_then(|path| fs::read_to_string(path).ok());
            io::Error::other(format!("{error}\n{}", said.unwrap_or_default()))
        })
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn bad(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
