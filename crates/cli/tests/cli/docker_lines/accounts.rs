//! `docker mcp oauth …`, with a server that gives tokens itself, and the test in the place of the browser.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::home::{Done, wait_until};
use super::super::issuer::site;
use super::Docker;

/// The bodies of what it was sent, by their paths.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// The address of a server that wants a sign-in, and what it hears.
fn server() -> (String, Heard) {
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    let url = site(move |url, path, _, body| {
        let said = (path.to_owned(), body.to_owned());
        hears.lock().unwrap().push(said);
        let document = match path {
            "/mcp" => {
                let about = format!("{url}/.well-known/oauth-protected-resource/mcp");
                let head = format!("WWW-Authenticate: Bearer resource_metadata=\"{about}\"\r\n");
                return (401, head, Value::Null);
            }
            "/.well-known/oauth-protected-resource/mcp" => {
                json!({"resource": format!("{url}/mcp"), "authorization_servers": [url]})
            }
            "/.well-known/oauth-authorization-server" => json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "registration_endpoint": format!("{url}/register"),
                "revocation_endpoint": format!("{url}/revoke"),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_methods_supported": ["none"],
                "code_challenge_methods_supported": ["S256"],
            }),
            "/register" => {
                let asked: Value = serde_json::from_str(body).unwrap_or_default();
                let back = asked["redirect_uris"].clone();
                let known = json!({"client_id": "us", "redirect_uris": back, "token_endpoint_auth_method": "none"});
                return (201, String::new(), known);
            }
            "/token" => json!({
                "access_token": "granted", "token_type": "Bearer", "expires_in": 3600,
                "refresh_token": "renews", "scope": "read write",
            }),
            "/revoke" => json!({}),
            _ => return (404, String::new(), Value::Null),
        };
        (200, String::new(), document)
    });
    (url, heard)
}

/// The part of a query, as it is written there.
fn part<'a>(query: &'a str, name: &str) -> &'a str {
    let mut parts = query.split('&').filter_map(|part| part.split_once('='));
    parts.find(|part| part.0 == name).expect(query).1
}

fn decoded(text: &str) -> String {
    text.replace("%3A", ":")
        .replace("%2F", "/")
        .replace("%20", " ")
        .replace('+', " ")
}

#[test]
fn a_server_is_signed_in_to_and_out_of() {
    let docker = Docker::new();
    let (url, heard) = server();
    docker.home.write(
        "portolan/config.toml",
        &format!("[servers.cloud]\nurl = '{url}/mcp'\n"),
    );
    docker.run("docker mcp oauth ls").ok();
    let listed = docker.run("docker mcp oauth ls --json").json();
    assert_eq!(listed["accounts"], json!([]));

    // A browser that only writes down what it is to open.
    let opened = docker.home.path("opened");
    let browser = docker.home.write(
        "browser",
        &format!(
            "#!/bin/sh\nprintf '%s' \"$1\" > '{0}.new' && mv '{0}.new' '{0}'\n",
            opened.display()
        ),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&browser, mode).unwrap();
    let signing_in = docker
        .command("docker mcp oauth authorize cloud --scopes read,write --open-browser")
        .env("BROWSER", &browser)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| opened.exists());
    let page = std::fs::read_to_string(&opened).unwrap();
    let (page, query) = page.split_once('?').unwrap();
    assert_eq!(page, format!("{url}/authorize"));
    assert_eq!(decoded(part(query, "scope")), "read write");
    // The person agrees, and their browser is led back.
    let back = decoded(part(query, "redirect_uri"));
    let (host, path) = back
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let state = part(query, "state");
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!(
        "GET /{path}?code=agreed&state={state} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    let done = Done::of(&signing_in.wait_with_output().unwrap());
    assert!(done.stderr.contains("cloud is signed in to"), "{done:#?}");
    done.ok();

    let listed = docker.run("docker mcp oauth ls --json").json();
    let account = &listed["accounts"][0];
    assert_eq!(
        (&account["name"], &account["state"], &account["scopes"]),
        (
            &json!("cloud"),
            &json!("signed in"),
            &json!(["read", "write"])
        ),
        "{listed}"
    );
    let listed = docker.run("docker mcp oauth ls").ok();
    assert!(
        listed.contains("cloud") && listed.contains(&url),
        "{listed}"
    );

    docker.run("docker mcp oauth revoke cloud").ok();
    let listed = docker.run("docker mcp oauth ls --json").json();
    assert_eq!(listed["accounts"], json!([]));
    let heard = heard.lock().unwrap();
    let revoked = heard.iter().filter(|(path, _)| path == "/revoke");
    let revoked: String = revoked.map(|(_, body)| body.as_str()).collect();
    assert!(revoked.contains("token=renews"), "{revoked}");
}

#[test]
fn who_is_not_known_is_told_so() {
    let docker = Docker::new();
    let told = docker
        .run("docker mcp oauth authorize nobody --scopes read,write")
        .failed(3);
    assert!(told.contains("there is no server `nobody`"), "{told}");
    let told = docker.run("docker mcp oauth revoke nobody").failed(3);
    assert!(told.contains("there is no account"), "{told}");
}
