//! Callers who come with tokens of an issuer: `[auth]` of `config.toml`.

use serde_json::{Value, json};

use super::home::{Home, Listening, initialize, tool_names, wait_until};
use super::issuer::{Issuer, witness};

/// A gateway with these lines below `[auth]`, and the address of its endpoint.
fn gateway(home: &Home, issuer: &Issuer, lines: &str) -> (Listening, String) {
    let servers = home.servers(&["one", "two"]);
    let auth = format!("[auth]\nissuer = \"{}\"\n{lines}\n", issuer.url);
    let auth = home.write("auth.toml", &auth);
    let gateway = home.listen(&[
        "--config",
        &servers,
        "--config",
        &auth,
        "--servers",
        "one,two",
    ]);
    let url = gateway.url().to_owned();
    (gateway, url)
}

/// Status, head and body of one request with a token.
fn post(gateway: &Listening, token: &str, session: &str, message: &Value) -> (u16, String, String) {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    if !session.is_empty() {
        headers.push(("Mcp-Session-Id", session));
    }
    gateway.http("POST", "/mcp", &headers, &message.to_string())
}

fn list() -> Value {
    json!({"jsonrpc":"2.0","id":7,"method":"tools/list"})
}

fn call(name: &str) -> Value {
    json!({"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":name,"arguments":{"message":"x"}}})
}

#[test]
fn the_way_in_is_described_to_who_has_no_token() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (gateway, url) = gateway(&home, &issuer, "scopes = [\"mcp\"]");
    let (status, head, _) = gateway.http("POST", "/mcp", &[], "");
    let place = url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
    assert_eq!(status, 401);
    assert!(
        head.contains(&format!("resource_metadata=\"{place}\"")),
        "{head}"
    );
    assert!(head.contains("scope=\"mcp\""), "{head}");
    for path in ["/mcp", ""] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let (status, _, body) = gateway.http("GET", &path, &[], "");
        let said: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &said["resource"]), (200, &json!(url)));
        assert_eq!(said["authorization_servers"], json!([issuer.url]));
        assert_eq!(said["scopes_supported"], json!(["mcp"]));
    }
    assert!(gateway.stop().success());
}

#[test]
fn only_good_tokens_of_the_issuer_for_this_gateway_open() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (gateway, url) = gateway(&home, &issuer, "scopes = [\"mcp\"]");
    let other = Issuer::start();
    for (token, status) in [
        (issuer.token(&url, &json!({})), 200),
        (issuer.token(&url, &json!({"exp": 1_000_000_000})), 401),
        (issuer.token("https://other.example/mcp", &json!({})), 401),
        (issuer.token(&format!("{url}/"), &json!({})), 401),
        (
            issuer.token(&url.replace("/mcp", "/s/one/mcp"), &json!({})),
            401,
        ),
        (issuer.token(&url, &json!({"iss": other.url})), 401),
        (other.token(&url, &json!({})), 401),
        (other.token(&url, &json!({"iss": issuer.url})), 401),
        (issuer.token(&url, &json!({"scope": "else"})), 403),
        ("opaque".to_owned(), 401),
        (home.token(), 200),
    ] {
        let (got, head, body) = post(&gateway, &token, "", &initialize());
        assert_eq!(got, status, "{head}\n{body}");
        assert!(!head.contains(&token) && !body.contains(&token));
    }
    // One for a part opens that part.
    let part = issuer.token(&url.replace("/mcp", "/s/one/mcp"), &json!({}));
    let bearer = format!("Bearer {part}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    let (status, ..) = gateway.http("POST", "/s/one/mcp", &headers, &initialize().to_string());
    assert_eq!(status, 200);
    assert!(gateway.stop().success());
}

#[test]
fn a_caller_is_who_the_token_says_and_shares_nothing() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (mut gateway, url) = gateway(&home, &issuer, "");
    let ann = issuer.token(&url, &json!({}));
    gateway.initialize(&ann);
    let listed = gateway.mcp(&ann, &list());
    assert!(tool_names(&listed).contains(&"one__echo"), "{listed}");
    let session = gateway.session().unwrap();
    // A later token of hers is hers; that of somebody else opens nothing of it.
    let (later, bob) = (
        issuer.token(&url, &json!({"jti": "2"})),
        issuer.token(&url, &json!({"sub": "bob"})),
    );
    assert_eq!(post(&gateway, &later, &session, &call("one__echo")).0, 200);
    assert_eq!(post(&gateway, &bob, &session, &list()).0, 404);
    assert_eq!(post(&gateway, &home.token(), &session, &list()).0, 404);
    assert!(gateway.stop().success());
    let name = format!("ann at {}", issuer.url);
    let calls = home
        .run(&["calls", "ls", "--caller", &name, "--format", "json"])
        .json();
    assert!(!calls["calls"].as_array().unwrap().is_empty());
}

#[test]
fn a_scope_gives_a_right_and_what_lacks_one_is_told_which() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let rights = "scopes = [\"mcp\"]\n[auth.rights]\nfirst = { servers = [\"one\"] }\nsecond = { tools = [\"two:echo\"] }";
    let (mut gateway, url) = gateway(&home, &issuer, rights);
    let with = |scope: &str| issuer.token(&url, &json!({"scope": scope}));
    let first = with("mcp first");
    gateway.initialize(&first);
    // What another scope would give is listed: so a client can ask for it.
    let listed = gateway.mcp(&first, &list());
    let names = tool_names(&listed);
    assert!(
        names.contains(&"one__echo") && names.contains(&"two__echo"),
        "{listed}"
    );
    let only_first = names
        .iter()
        .filter(|name| name.starts_with("two__"))
        .count();
    assert_eq!(only_first, 1, "{listed}");
    let session = gateway.session().unwrap();
    assert_eq!(post(&gateway, &first, &session, &call("one__echo")).0, 200);
    let (status, head, body) = post(&gateway, &first, &session, &call("two__echo"));
    assert_eq!(status, 403, "{body}");
    assert!(
        head.contains("error=\"insufficient_scope\"") && head.contains("scope=\"mcp second\""),
        "{head}"
    );
    assert_eq!(
        post(&gateway, &with("mcp second"), &session, &call("two__echo")).0,
        200
    );
    let (status, _, body) = post(&gateway, &with("mcp"), &session, &call("one__echo"));
    assert!(
        status == 403 && body.contains("has no right to it"),
        "{status} {body}"
    );
    assert!(gateway.stop().success());
}

#[test]
fn each_caller_of_an_issuer_has_its_own_limit() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (gateway, url) = gateway(&home, &issuer, "rate = 2");
    let greet = |subject: &str| {
        let token = issuer.token(&url, &json!({"sub": subject}));
        let (_, _, body) = post(&gateway, &token, "", &initialize());
        body.contains("-31003")
    };
    assert_eq!(
        [greet("ann"), greet("ann"), greet("ann")],
        [false, false, true]
    );
    assert!(!greet("bob"));
    assert!(gateway.stop().success());
}

#[test]
fn no_server_ever_sees_the_token_of_a_caller() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (server, seen) = witness();
    let config = format!(
        "[auth]\nissuer = \"{}\"\n[servers.far]\nurl = \"{server}\"\n",
        issuer.url
    );
    let config = home.write("c.toml", &config);
    let mut gateway = home.listen(&["--config", &config]);
    let token = issuer.token(gateway.url(), &json!({}));
    gateway.initialize(&token);
    gateway.mcp(&token, &list());
    wait_until(|| !seen.lock().unwrap().is_empty());
    assert!(gateway.stop().success());
    let heads = seen.lock().unwrap().join("\n");
    assert!(
        !heads.contains(&token) && !heads.to_ascii_lowercase().contains("authorization"),
        "{heads}"
    );
}

#[test]
fn what_cannot_be_told_lets_nobody_in_by_a_token() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let away = home.write("away.toml", "[auth]\nissuer = \"http://127.0.0.1:1\"\n");
    let gateway = home.listen(&["--config", &away]);
    let token = issuer.token(gateway.url(), &json!({"iss": "http://127.0.0.1:1"}));
    let (status, _, body) = post(&gateway, &token, "", &initialize());
    assert!(
        status == 503 && body.contains("cannot be told now"),
        "{status} {body}"
    );
    assert_eq!(post(&gateway, &home.token(), "", &initialize()).0, 200);
    assert!(gateway.stop().success());
    let run = ["gateway", "run", "--transport", "streaming", "--port", "0"];
    let both = [&run[..], &["--config", &away, "--allow-unauthenticated"]].concat();
    let said = home.run(&both).failed(64);
    assert!(said.contains("lets everybody in"), "{said}");
    let everywhere = [&run[..], &["--config", &away, "--host", "0.0.0.0"]].concat();
    let said = home.run(&everywhere).failed(64);
    assert!(said.contains("url = "), "{said}");
}
