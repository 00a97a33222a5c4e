//! An issuer of tokens on this machine, and a server that writes down what it is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Ends with its test.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pair: EcdsaKeyPair,
}

impl Issuer {
    pub(crate) fn start() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = pair.public_key().as_ref();
        let keys = json!({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": "one", "x": part(&point[1..33]), "y": part(&point[33..]),
        }]});
        let url = served(move |url, path, _| match path {
            "/.well-known/oauth-authorization-server" => {
                Some(json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
            }
            "/keys" => Some(keys.clone()),
            _ => None,
        });
        Self { url, pair }
    }

    /// A token of Ann's for this address that is good for ten minutes, with these members instead.
    pub(crate) fn token(&self, audience: &str, instead: &Value) -> String {
        let now_s = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let mut claims = json!({
            "iss": self.url, "sub": "ann", "aud": audience, "exp": now_s + 600, "scope": "mcp",
        });
        for (name, value) in instead.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({"alg": "ES256", "kid": "one", "typ": "at+jwt"});
        let signed = format!("{}.{}", part(&head), part(&claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The address of a server of which nothing works, and the heads of the requests that it was sent.
pub(crate) fn witness() -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let heads = Arc::clone(&seen);
    let url = served(move |_, _, head| {
        heads.lock().unwrap().push(head.to_owned());
        None
    });
    (format!("{url}/mcp"), seen)
}

/// What is said to a request: the status, more lines of the head, a document.
pub(crate) type Said = (u16, String, Value);

/// Answers what is asked for with these documents, by address, path and head of the request.
fn served(answer: impl Fn(&str, &str, &str) -> Option<Value> + Send + 'static) -> String {
    site(move |url, path, head, _| match answer(url, path, head) {
        Some(document) => (200, String::new(), document),
        None => (404, String::new(), Value::Null),
    })
}

/// Answers requests, by address, path, head and body.
pub(crate) fn site(answer: impl Fn(&str, &str, &str, &str) -> Said + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            // A client that goes away is no matter here.
            let _gone = exchange(stream, |path, head, body| answer(&own, path, head, body));
        }
    });
    url
}

fn exchange(stream: TcpStream, answer: impl Fn(&str, &str, &str) -> Said) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let field = line.to_ascii_lowercase();
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = String::new();
    reader.by_ref().take(length).read_to_string(&mut body)?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, more, document) = answer(&path, &head, &body);
    let body = match document {
        Value::Null => String::new(),
        document => document.to_string(),
    };
    let length = body.len();
    write!(
        reader.get_mut(),
        "HTTP/1.1 {status} X\r\n{more}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
