//! Containers that somebody else has started, such as the services of a compose file: a server there is reached by the name that its
//! service has, over TCP, and nothing of it is fetched or started.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Entry, Launch};
use transport::{BoxFuture, stdio};

use crate::limits::RUNNING_CONNECT;
use crate::{Isolation, LaunchError, Launched, Launcher, Link};

/// Where every such service listens.
const PORT: u16 = 4444;

/// See the module. Everything that is no image is started by another launcher.
pub struct RunningLauncher {
    inner: Arc<dyn Launcher>,
    /// The host and the port of a server.
    address: fn(&str) -> (String, u16),
}

impl RunningLauncher {
    /// One around the launcher of everything else.
    #[must_use]
    pub fn new(inner: Arc<dyn Launcher>) -> Self {
        Self {
            inner,
            address: |name| (service(name), PORT),
        }
    }

    async fn reach(&self, entry: &Entry) -> Result<Launched, LaunchError> {
        let (host, port) = (self.address)(entry.name.as_str());
        let failed = |error| LaunchError::NotRunning {
            address: format!("{host}:{port}"),
            service: service(entry.name.as_str()),
            error,
        };
        let slow = || {
            let message = format!("there is no answer after {} s", RUNNING_CONNECT.as_secs());
            std::io::Error::new(std::io::ErrorKind::TimedOut, message)
        };
        let connecting = tokio::net::TcpStream::connect((host.as_str(), port));
        let connected = within(RUNNING_CONNECT, connecting).await;
        let socket = connected.unwrap_or_else(|| Err(slow())).map_err(failed)?;
        let open = || {
            socket.set_nodelay(true)?;
            let read = socket.into_std()?;
            let write = read.try_clone()?;
            stdio::from_fds(read.into(), write.into())
        };
        Ok(Launched {
            link: Link::Pipe(open().map_err(failed)?),
            process: None,
        })
    }
}

/// None: it took too long.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

fn service(name: &str) -> String {
    format!("mcp-{name}")
}

fn is_image(entry: &Entry) -> bool {
    matches!(entry.launch, Launch::Container { .. })
}

impl Launcher for RunningLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        match is_image(entry) {
            true => Box::pin(self.reach(entry)),
            false => self.inner.launch(entry),
        }
    }

    fn launch_sse<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        self.inner.launch_sse(entry)
    }

    fn is_prepared(&self, entry: &Entry) -> bool {
        is_image(entry) || self.inner.is_prepared(entry)
    }

    fn prepare<'a>(
        &'a self,
        entry: &'a Entry,
        tell: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), LaunchError>> {
        match is_image(entry) {
            true => Box::pin(std::future::ready(Ok(()))),
            false => self.inner.prepare(entry, tell),
        }
    }

    /// Whoever started the container has decided how it is kept apart.
    fn is_boxed(&self, entry: &Entry) -> bool {
        is_image(entry) || self.inner.is_boxed(entry)
    }

    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        match is_image(entry) {
            true => None,
            false => self.inner.isolation(entry),
        }
    }

    fn network(&self, entry: &Entry) -> Option<String> {
        match is_image(entry) {
            true => None,
            false => self.inner.network(entry),
        }
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        match is_image(entry) {
            true => None,
            false => self.inner.refuses(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};

    use catalog::ServerName;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::RemoteLauncher;

    fn image() -> Entry {
        let launch = Launch::Container {
            image: "acme/notes:1".to_owned(),
            command: Vec::new(),
            env: Vec::new(),
            user: None,
            extra_hosts: Vec::new(),
            is_writable: false,
        };
        Entry::new(ServerName::new("notes").unwrap(), launch)
    }

    fn launcher(address: fn(&str) -> (String, u16)) -> RunningLauncher {
        RunningLauncher {
            address,
            ..RunningLauncher::new(Arc::new(RemoteLauncher::new("nothing is started")))
        }
    }

    #[tokio::test]
    async fn a_server_is_spoken_to_where_it_listens() {
        // The port is the test's own, so it travels as a name.
        static PORT: std::sync::OnceLock<u16> = std::sync::OnceLock::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        PORT.set(listener.local_addr().unwrap().port()).unwrap();
        let launcher = launcher(|_| ("127.0.0.1".to_owned(), *PORT.get().unwrap()));
        let entry = image();
        let (launched, accepted) = tokio::join!(launcher.launch(&entry), listener.accept());
        let Ok(Launched {
            link: Link::Pipe(mut pipe),
            process: None,
        }) = launched
        else {
            panic!("it is a pipe without a process");
        };
        let (mut server, _) = accepted.unwrap();
        server
            .write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"hello\"}\n")
            .await
            .unwrap();
        let frame = poll_fn(|cx| pipe.source.poll_recv(cx)).await;
        assert!(frame.unwrap().unwrap().ends_with(b"\"hello\"}"));
        drop(pipe);
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "the end is told and nothing else");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        assert_eq!(within(RUNNING_CONNECT, pending::<()>()).await, None);
        assert_eq!(within(RUNNING_CONNECT, async { 1 }).await, Some(1));
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_told_with_the_name_that_it_needs() {
        let launcher = launcher(|_| ("127.0.0.1".to_owned(), 1));
        let Err(error) = launcher.launch(&image()).await else {
            panic!("nobody listens there");
        };
        let told = error.to_string();
        assert!(
            told.contains("127.0.0.1:1") && told.contains("the name mcp-notes"),
            "{told}"
        );
        assert_eq!(
            (RunningLauncher::new(Arc::new(RemoteLauncher::new("x"))).address)("notes"),
            ("mcp-notes".to_owned(), 4444)
        );
        let remote = launcher.isolation(&image());
        assert!(remote.is_none() && launcher.is_boxed(&image()));
    }
}
