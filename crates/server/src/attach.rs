//! The door for other processes of ours: one that an application has started hands its client on to the gateway that all share,
//! over a socket in a private folder. Owns the first line each way, by which both find out whether they are the same gateway
//! twice; what follows is the stdio door's. Refuses nothing by itself: the host says which gateway a client gets, if any.
//! Read `relay.rs` next, for the other end.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gateway::front::Gateway;
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use transport::Pipe;

use crate::admin::bind_private;
use crate::limits::{ACCEPT_PAUSE, ATTACH_WAIT, ATTACHED_MAX};
use crate::shutdown::Shutdown;
use crate::stdio::{Attached, serve_stdio};

/// The form of these lines; others are not understood.
const FORM: u32 = 1;

/// What an attaching process says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    form: u32,
    /// Its version: a gateway of another one is no stand-in.
    pub version: String,
    /// The profile that its client wants.
    pub profile: Option<String>,
    /// A digest of everything that it would run with.
    pub fingerprint: String,
    /// Where its client works: the servers of its workspace run there.
    pub folder: Option<PathBuf>,
    /// Its process.
    pub pid: u32,
}

impl Hello {
    /// Of this process.
    pub fn new(
        version: &str,
        profile: Option<String>,
        fingerprint: String,
        folder: Option<PathBuf>,
    ) -> Self {
        Self {
            form: FORM,
            version: version.to_owned(),
            profile,
            fingerprint,
            folder,
            pid: std::process::id(),
        }
    }
}

/// What it is answered: why not, if not.
#[derive(Serialize, Deserialize)]
struct Welcome {
    refused: Option<String>,
}

/// Why a process has to do without the shared gateway.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// It cannot be reached, or says something else.
    #[error("the shared gateway does not answer")]
    Io(#[from] io::Error),
    /// It does not answer in time.
    #[error("the shared gateway does not answer within {} s", ATTACH_WAIT.as_secs())]
    Late,
    /// It says why.
    #[error("{0}")]
    Refused(String),
}

/// The socket that others attach to. Dropping it removes the file.
#[derive(Debug)]
pub struct Attach {
    listener: UnixListener,
    path: PathBuf,
}

impl Attach {
    /// Opens the socket at a path whose folder is this user's alone, as `Admin::bind` does.
    pub fn bind(path: &Path) -> io::Result<Self> {
        Ok(Self {
            listener: bind_private(path)?,
            path: path.to_owned(),
        })
    }

    /// Serves those who attach until told to stop; then their calls may finish, as with the stdio door. `host` finds the
    /// gateway for one, or says why there is none. To be called within a local set.
    pub async fn serve<H, F>(self, host: H, mut shutdown: Shutdown)
    where
        H: Fn(Hello) -> F + 'static,
        F: Future<Output = Result<Gateway, String>> + 'static,
    {
        let host = Rc::new(host);
        let mut attached = JoinSet::new();
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_ended) = attached.join_next() => continue,
                () = shutdown.draining() => break,
            };
            match stream {
                Ok((stream, _)) if attached.len() < ATTACHED_MAX => {
                    let (host, shutdown) = (host.clone(), shutdown.clone());
                    attached.spawn_local(async move {
                        // Whoever leaves before it has said hello needs nothing.
                        let _gone = serve_one(stream, &*host, shutdown).await;
                    });
                }
                // Who is turned away starts a gateway of its own.
                Ok(_) => {}
                // Out of file descriptors, most likely: some come free as connections end.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
        while attached.join_next().await.is_some() {}
    }
}

impl Drop for Attach {
    fn drop(&mut self) {
        // A file that is gone already is what we want.
        let _gone = std::fs::remove_file(&self.path);
    }
}

async fn serve_one<H, F>(stream: UnixStream, host: &H, shutdown: Shutdown) -> io::Result<()>
where
    H: Fn(Hello) -> F,
    F: Future<Output = Result<Gateway, String>>,
{
    let mut pipe = pipe(stream)?;
    let hello: Hello = line(&mut pipe).await?;
    let attached = Attached {
        folder: hello.folder.clone(),
    };
    let found = match hello.form == FORM {
        true => host(hello).await,
        false => Err("it is of another version".to_owned()),
    };
    let refused = found.as_ref().err().cloned();
    send(&pipe, &Welcome { refused })?;
    match found {
        Ok(gateway) => {
            // Its end is the client's affair.
            let _ended = serve_stdio(gateway, pipe, Some(attached), shutdown).await;
        }
        Err(_) => {
            pipe.sink.close();
            pipe.sink.drained().await;
        }
    }
    Ok(())
}

/// Attaches to the gateway at a socket: a pipe on which it is spoken to as over stdio.
///
/// # Errors
/// See [`AttachError`].
pub async fn attach(socket: &Path, hello: &Hello) -> Result<Pipe, AttachError> {
    let attached = async {
        let mut pipe = pipe(UnixStream::connect(socket).await?)?;
        send(&pipe, hello)?;
        let welcome: Welcome = line(&mut pipe).await?;
        match welcome.refused {
            None => Ok(pipe),
            Some(why) => Err(AttachError::Refused(why)),
        }
    };
    timeout(ATTACH_WAIT, attached)
        .await
        .unwrap_or(Err(AttachError::Late))
}

fn pipe(stream: UnixStream) -> io::Result<Pipe> {
    let read = std::os::fd::OwnedFd::from(stream.into_std()?);
    let write = read.try_clone()?;
    transport::stdio::from_fds(read, write)
}

/// The first line of the other side.
async fn line<T: for<'a> Deserialize<'a>>(pipe: &mut Pipe) -> io::Result<T> {
    let line = timeout(ATTACH_WAIT, pipe.source.recv()).await;
    let line = line.ok().flatten().ok_or(io::ErrorKind::UnexpectedEof)?;
    let line = line.map_err(io::Error::other)?;
    serde_json::from_slice(&line).map_err(io::Error::other)
}

fn send<T: Serialize>(pipe: &Pipe, message: &T) -> io::Result<()> {
    let line = serde_json::to_vec(message).map_err(io::Error::other)?;
    pipe.sink.send(&line).map_err(io::Error::other)
}
