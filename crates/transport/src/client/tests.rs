//! The client against servers that do exactly what a script says.

mod events;
mod failures;
mod pipes;
mod pool;
mod redirects;
mod replies;
mod secure;
mod server;

use bytes::Bytes;

use super::*;
use server::{Server, Step};

fn endpoint(server: &Server) -> Endpoint {
    Endpoint::new(&server.url("/mcp"), &[]).unwrap()
}

async fn ask(endpoint: &Endpoint) -> Result<Response, HttpError> {
    post(
        endpoint,
        &[],
        Bytes::from_static(b"{}"),
        &Timeouts::default(),
    )
    .await
}

/// What a server that sends this is understood to answer.
async fn answer_to(steps: Vec<Step>) -> Result<(u16, String), HttpError> {
    let server = Server::start(vec![steps]).await;
    let response = ask(&endpoint(&server)).await?;
    Ok((response.status, full(response)))
}

#[track_caller]
fn full(response: Response) -> String {
    match response.body {
        Body::Full(body) => String::from_utf8(body.to_vec()).unwrap(),
        Body::Events(_) => panic!("a stream of events"),
    }
}

#[track_caller]
fn events(response: Response) -> EventStream {
    match response.body {
        Body::Full(body) => panic!("not a stream of events: {body:?}"),
        Body::Events(events) => events,
    }
}

/// Everything a stream still has: data, and errors as text.
async fn rest(events: &mut EventStream) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        all.push(match event {
            Ok(event) => String::from_utf8_lossy(&event.data).into_owned(),
            Err(error) => format!("error: {error}"),
        });
    }
    all
}
