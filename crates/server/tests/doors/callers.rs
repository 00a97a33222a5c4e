//! Callers who come in by tokens of an issuer, and what those are told who do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use config::token::Token;
use gateway::{Decider, Decision, Denial};
use policy::{Asked, Facts};
use server::{Admitted, Auth, Callers, Lease, Resource, Unadmitted};

use crate::harness::{House, MODERN, TOKEN, call, initialize, modern_call};

/// Knows tokens by what they say: `ann:read write` is Ann's, good for two things.
#[derive(Default)]
struct Book {
    waited: Arc<AtomicU32>,
}

impl Callers for Book {
    fn admit(&self, token: &str, at: &str) -> Result<Admitted, Unadmitted> {
        let waited = self.waited.clone();
        let wait = async move {
            waited.fetch_add(1, Ordering::Relaxed);
        };
        match token.split_once(':') {
            Some(("later", _)) if self.waited.load(Ordering::Relaxed) == 0 => {
                Err(Unadmitted::Wait(Box::pin(wait)))
            }
            Some(("never", _)) => Err(Unadmitted::Wait(Box::pin(wait))),
            Some(("away", _)) => Err(Unadmitted::Unavailable("it is away".into())),
            Some(("foreign", _)) => Err(Unadmitted::Unfit("it is for somebody else".into())),
            Some((_, "")) => Err(Unadmitted::Lacks("read".into())),
            Some((name, scopes)) => Ok(Admitted {
                name: format!("{name} at {at}").into(),
                scopes: Some(scopes.into()),
                lease: None,
            }),
            None => Err(Unadmitted::Unknown),
        }
    }

    fn holds(&self, _: &str, _: &Lease) -> bool {
        true
    }

    fn resource(&self, at: &str) -> Option<Resource> {
        Some(Resource {
            metadata: format!("https://gate.example/.well-known/oauth-protected-resource{at}"),
            scopes: "read".into(),
            document: Bytes::from(format!(r#"{{"resource":"https://gate.example{at}"}}"#)),
        })
    }
}

/// Calls of tools are for those who may write.
struct Writers;

impl Decider for Writers {
    fn decide(&self, facts: &Facts<'_>) -> Decision {
        let may = facts.scopes.is_some_and(|scopes| scopes.contains("write"));
        match facts.asked {
            Asked::Tool { .. } if !may => {
                let reason = "it is for those who may write".to_owned();
                Decision::Lacks(Denial { rule: None, reason }, "read write".into())
            }
            _ => Decision::Allow,
        }
    }
}

async fn house() -> House {
    House::deciding(Arc::new(Writers), |options| {
        let token = Arc::new(Token::new(TOKEN).unwrap());
        options.auth = Auth::Callers(token, Arc::new(Book::default()));
    })
    .await
}

#[tokio::test]
async fn whoever_has_no_token_is_told_where_to_get_one() {
    let house = house().await;
    for (path, at) in [
        ("POST /mcp", "/mcp"),
        ("GET /mcp/w/w-1", "/mcp"),
        ("DELETE /s/one/mcp", "/s/one/mcp"),
        ("GET /sse", "/sse"),
    ] {
        let reply = house.connect().await.request(path, &[], "").await;
        let said = reply.field("www-authenticate").unwrap();
        let place = format!(
            r#"Bearer scope="read",resource_metadata="https://gate.example/.well-known/oauth-protected-resource{at}""#
        );
        assert_eq!((reply.status, said), (401, &*place), "{path}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_description_lies_where_the_standard_says() {
    let house = house().await;
    for (path, at) in [
        ("", Some("/mcp")),
        ("/mcp", Some("/mcp")),
        ("/s/one/mcp", Some("/s/one/mcp")),
        ("/sse", Some("/sse")),
        ("/x", None),
    ] {
        let path = format!("GET /.well-known/oauth-protected-resource{path}");
        let reply = house.connect().await.request(&path, &[], "").await;
        match at {
            Some(at) => {
                let is = (reply.status, reply.field("content-type"));
                assert_eq!(is, (200, Some("application/json")), "{path}");
                assert_eq!(
                    reply.body,
                    format!(r#"{{"resource":"https://gate.example{at}"}}"#)
                );
            }
            None => assert_eq!(reply.status, 404, "{path}"),
        }
    }
    let post = "POST /.well-known/oauth-protected-resource";
    assert_eq!(
        house.connect().await.request(post, &[], "").await.status,
        405
    );
    let rebound = [("Host", "evil.example")];
    let get = "GET /.well-known/oauth-protected-resource";
    assert_eq!(
        house
            .connect()
            .await
            .request(get, &rebound, "")
            .await
            .status,
        403
    );
    house.close().await;
    // Where nobody is sent to an issuer, nothing is described.
    let house = House::with_token().await;
    assert_eq!(
        house.connect().await.request(get, &[], "").await.status,
        404
    );
    house.close().await;
}

#[tokio::test]
async fn each_refusal_has_its_status_and_its_word() {
    let house = house().await;
    for (token, status, says) in [
        ("unknown", 401, Some(r#"error="invalid_token""#)),
        ("foreign:x", 401, Some("it is for somebody else")),
        ("ann:", 403, Some(r#"error="insufficient_scope""#)),
        ("away:x", 503, None),
        ("never:x", 503, None),
        ("later:read", 200, None),
        ("ann:read", 200, None),
        (TOKEN, 200, None),
    ] {
        let bearer = format!("Bearer {token}");
        let fields = [("Authorization", bearer.as_str())];
        let reply = house.post(&fields, &initialize("2025-11-25")).await;
        let said = reply.field("www-authenticate");
        assert_eq!(reply.status, status, "{token}: {reply:?}");
        assert_eq!(said.is_some(), says.is_some(), "{token}: {said:?}");
        assert!(
            said.unwrap_or_default().contains(says.unwrap_or_default()),
            "{token}: {said:?}"
        );
        assert!(!reply.body.contains(token) && !said.unwrap_or_default().contains(token));
    }
    house.close().await;
}

#[tokio::test]
async fn a_call_beyond_the_scopes_of_its_token_is_challenged_for_more() {
    let house = house().await;
    for (session, era) in [("2025-11-25", None), ("", Some(MODERN))] {
        let bearer = |scopes: &str| format!("Bearer ann:{scopes}");
        let (little, more) = (bearer("read"), bearer("read write"));
        let mut fields = vec![("Authorization", little.as_str())];
        let reply = house.post(&fields, &initialize(session)).await;
        let id = reply.field("mcp-session-id").unwrap_or_default().to_owned();
        let body = match era {
            None => {
                fields.push(("Mcp-Session-Id", &id));
                call(1, "echo")
            }
            Some(era) => {
                fields.extend([era, ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")]);
                modern_call(1, "echo")
            }
        };
        let reply = house.post(&fields, &body).await;
        let said = reply.field("www-authenticate").unwrap();
        assert_eq!(reply.status, 403, "{reply:?}");
        assert!(said.contains(r#"error="insufficient_scope""#), "{said}");
        assert!(said.contains(r#"scope="read write""#), "{said}");
        assert!(said.contains("oauth-protected-resource/mcp"), "{said}");
        assert!(
            reply.body.contains("for those who may write"),
            "{}",
            reply.body
        );
        // The same caller with a better token: the same session.
        fields[0].1 = &more;
        assert_eq!(house.post(&fields, &body).await.status, 200);
    }
    house.close().await;
}
