//! The admin socket: what a running gateway says of itself and takes orders by, for `portolan server …` and
//! whoever watches it. Owns the socket's file and its rights (only this user). Refuses everything that comes
//! by TCP: it is a socket in a private folder, so there is no token and no `Host` to check.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Path as Name, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gateway::front::{ClientStatus, Gateway, ServerStatus};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::health::{self, Health};
use crate::limits;
use crate::profiles::Profiles;
use crate::readiness::Readiness;
use crate::shutdown::Shutdown;

/// The admin socket of this process. Dropping it removes the file.
pub struct Admin {
    listener: UnixListener,
    path: PathBuf,
    profiles: Option<Arc<dyn Profiles>>,
}

/// What is looked after: the gateway, and those of profiles.
#[derive(Clone)]
struct Gateways {
    own: Gateway,
    profiles: Option<Arc<dyn Profiles>>,
}

impl Gateways {
    fn all(&self) -> Vec<Gateway> {
        let mut all = vec![self.own.clone()];
        all.extend(self.profiles.iter().flat_map(|profiles| profiles.all()));
        all
    }
}

impl Admin {
    /// Opens the socket at a path whose folder is this user's alone. A file that is there already must be a
    /// leftover: the caller holds the lock that says so.
    pub fn bind(path: &Path) -> io::Result<Self> {
        Ok(Self {
            listener: bind_private(path)?,
            path: path.to_owned(),
            profiles: None,
        })
    }

    /// Looks after the gateways of profiles, too.
    #[must_use]
    pub fn beside(mut self, profiles: Option<Arc<dyn Profiles>>) -> Self {
        self.profiles = profiles;
        self
    }

    /// Answers until told to stop at once: during the drain one may still want to look.
    pub async fn serve(self, gateway: Gateway, readiness: Readiness, mut shutdown: Shutdown) {
        let profiles = self.profiles.clone();
        let router = router(
            Gateways {
                own: gateway,
                profiles,
            },
            readiness,
        );
        let room = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS_MAX));
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let permit = tokio::select! {
                permit = room.clone().acquire_owned() => permit,
                () = shutdown.now() => return,
            };
            let stream = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_ended) = connections.join_next() => continue,
                () = shutdown.now() => return,
            };
            match stream {
                Ok((stream, _)) => {
                    let served = serve_one(stream, router.clone());
                    connections.spawn(async move {
                        served.await;
                        drop(permit);
                    });
                }
                // Out of file descriptors, most likely: some come free as connections end.
                Err(_) => tokio::time::sleep(limits::ACCEPT_PAUSE).await,
            }
        }
    }
}

/// A socket for this user alone, in the place of a leftover.
pub(crate) fn bind_private(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    match std::fs::set_permissions(path, Permissions::from_mode(0o600)) {
        Ok(()) => Ok(listener),
        Err(error) => {
            let _unusable = std::fs::remove_file(path);
            Err(error)
        }
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        // A file that is gone already is what we want.
        let _gone = std::fs::remove_file(&self.path);
    }
}

async fn serve_one(stream: UnixStream, router: Router) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request)
    });
    // Errors are the client's.
    let _ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::ADMIN_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn router(gateways: Gateways, readiness: Readiness) -> Router {
    let probes = health::probes(Health {
        gateway: gateways.own.clone(),
        readiness,
    });
    Router::new()
        .route("/metrics", get(metrics))
        .route("/clients", get(clients))
        .route("/servers", get(servers))
        .route("/servers/{name}", get(server))
        .route("/servers/{name}/logs", get(logs))
        .route("/servers/{name}/restart", post(restart))
        .route("/servers/{name}/stop", post(stop))
        .with_state(gateways)
        .merge(probes)
}

/// What went wrong, for people and programs.
#[derive(Serialize)]
struct Problem {
    error: String,
}

/// Which lines of a log are wanted.
#[derive(Deserialize)]
struct Lines {
    /// How many.
    lines: Option<usize>,
    /// Those after a page that gave this; empty: the first page of somebody who follows.
    after: Option<String>,
}

/// Lines of a server's stderr.
#[derive(Serialize)]
struct Log {
    lines: Vec<String>,
    /// What to ask for next, for those who follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What was done.
#[derive(Serialize)]
struct Done {
    server: String,
    done: &'static str,
}

/// Those of profiles say whose they are.
async fn metrics(State(gateways): State<Gateways>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], Gateway::metrics_of(&gateways.all())).into_response()
}

async fn clients(State(gateways): State<Gateways>) -> Json<Vec<ClientStatus>> {
    let all = gateways.all();
    Json(all.iter().flat_map(Gateway::clients).collect())
}

async fn servers(State(gateways): State<Gateways>) -> Json<Vec<ServerStatus>> {
    let all = gateways.all();
    Json(all.iter().flat_map(Gateway::servers).collect())
}

async fn server(State(gateways): State<Gateways>, Name(name): Name<String>) -> Response {
    match gateways
        .all()
        .iter()
        .flat_map(Gateway::servers)
        .find(|server| server.name == name)
    {
        Some(server) => Json(server).into_response(),
        None => no_server(&name),
    }
}

async fn logs(
    State(gateways): State<Gateways>,
    Name(name): Name<String>,
    Query(wanted): Query<Lines>,
) -> Response {
    let lines = wanted
        .lines
        .unwrap_or(limits::LOG_LINES)
        .min(limits::LOG_LINES_MAX);
    if let Some(after) = wanted.after {
        let cursor = Some(&*after).filter(|after| !after.is_empty());
        let all = gateways.all();
        return match all.iter().find_map(|one| one.follow(&name, cursor, lines)) {
            Some(page) => Json(Log {
                lines: page.lines,
                next: Some(page.next),
            })
            .into_response(),
            None => no_server(&name),
        };
    }
    let logs: Vec<_> = gateways
        .all()
        .iter()
        .filter_map(|one| one.logs(&name, lines))
        .collect();
    match logs.into_iter().reduce(|all, more| [all, more].concat()) {
        Some(lines) => Json(Log { lines, next: None }).into_response(),
        None => no_server(&name),
    }
}

async fn restart(State(gateways): State<Gateways>, Name(server): Name<String>) -> Response {
    let mut is_there = false;
    for one in gateways.all() {
        is_there |= one.restart(&server).await;
    }
    if is_there {
        Json(Done {
            server,
            done: "restarted",
        })
        .into_response()
    } else {
        no_server(&server)
    }
}

async fn stop(State(gateways): State<Gateways>, Name(server): Name<String>) -> Response {
    let mut is_there = false;
    for one in gateways.all() {
        is_there |= one.stop(&server).await;
    }
    if is_there {
        Json(Done {
            server,
            done: "stopped",
        })
        .into_response()
    } else {
        no_server(&server)
    }
}

fn no_server(name: &str) -> Response {
    let error = format!("this gateway has no server {name:?}");
    (StatusCode::NOT_FOUND, Json(Problem { error })).into_response()
}
