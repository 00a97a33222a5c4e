use super::*;

fn endpoint(url: &str, headers: &[(&str, &str)]) -> Result<Endpoint, EndpointError> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Endpoint::new(url, &headers)
}

fn head_of(endpoint: &Endpoint, method: Method) -> String {
    String::from_utf8(endpoint.head(method).to_vec()).unwrap()
}

#[test]
fn what_is_sent_is_written_once() {
    let endpoint = endpoint(
        "http://example.com:8080/mcp?a=b#c",
        &[("X-Key", " secret ")],
    )
    .unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        head_of(&endpoint, Method::Post),
        format!(
            "POST /mcp?a=b HTTP/1.1\r\nhost: example.com:8080\r\nuser-agent: portolan/{version}\r\n\
             accept: application/json, text/event-stream\r\ncontent-type: application/json\r\nx-key: secret\r\n"
        )
    );
    assert_eq!(
        head_of(&endpoint, Method::Get),
        format!(
            "GET /mcp?a=b HTTP/1.1\r\nhost: example.com:8080\r\nuser-agent: portolan/{version}\r\n\
             accept: text/event-stream\r\nx-key: secret\r\n"
        )
    );
    assert!(head_of(&endpoint, Method::Delete).starts_with("DELETE /mcp?a=b HTTP/1.1\r\n"));
    assert_eq!(
        (endpoint.url(), endpoint.origin()),
        ("http://example.com:8080/mcp?a=b", "http://example.com:8080")
    );
}

#[test]
fn hosts() {
    let host = |url| {
        let head = head_of(&endpoint(url, &[]).unwrap(), Method::Get);
        head.split("\r\n")
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap()
            .to_owned()
    };
    assert_eq!(host("http://localhost:80/"), "localhost");
    assert_eq!(host("https://localhost:80"), "localhost:80");
    assert_eq!(host("https://[::1]:8443/"), "[::1]:8443");
    assert_eq!(host("http://B\u{fc}cher.example/"), "xn--bcher-kva.example");
}

#[test]
fn some_headers_may_be_replaced() {
    let given = [
        ("Host", "other"),
        ("ACCEPT", "x/y"),
        ("user-agent", "me"),
        ("content-type", "a/b"),
    ];
    let head = head_of(&endpoint("http://a/", &given).unwrap(), Method::Post);
    assert_eq!(
        head,
        "POST / HTTP/1.1\r\nhost: other\r\naccept: x/y\r\nuser-agent: me\r\ncontent-type: a/b\r\n"
    );
}

#[test]
fn refused() {
    let refused = |url, headers: &[(&str, &str)]| endpoint(url, headers).unwrap_err();
    assert!(matches!(refused("nonsense", &[]), EndpointError::Url(_)));
    assert_eq!(
        refused("ftp://a/", &[]),
        EndpointError::Scheme("ftp".into())
    );
    assert_eq!(
        refused("unix:/run/x", &[]),
        EndpointError::Scheme("unix".into())
    );
    assert_eq!(
        refused("http://me:secret@a/", &[]),
        EndpointError::Credentials
    );
    assert_eq!(refused("http://me@a/", &[]), EndpointError::Credentials);
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("a:", "x"),
        ("a\r\nb", "x"),
        ("a", "x\r\nb: c"),
        ("a", "x\0"),
    ] {
        assert_eq!(
            refused("http://a/", &[(name, value)]),
            EndpointError::Header(name.into())
        );
    }
    for name in [
        "Content-Length",
        "transfer-encoding",
        "CONNECTION",
        "Accept-Encoding",
        "Expect",
    ] {
        assert_eq!(
            refused("http://a/", &[(name, "1")]),
            EndpointError::Reserved(name.into())
        );
    }
}

#[test]
fn other_urls_of_the_same_origin() {
    let base = endpoint("http://a:1/x/sse?k=v", &[("x-key", "secret")]).unwrap();
    let joined = |reference| {
        base.join(reference)
            .map(|endpoint| endpoint.url().to_owned())
    };
    assert_eq!(
        joined("/messages?id=1").unwrap(),
        "http://a:1/messages?id=1"
    );
    assert_eq!(joined("messages").unwrap(), "http://a:1/x/messages");
    assert_eq!(joined("http://A:1/y").unwrap(), "http://a:1/y");
    for other in [
        "http://a:2/",
        "https://a:1/",
        "http://b:1/",
        "//b:1/",
        "http://a/",
        "file:///etc/passwd",
    ] {
        assert_eq!(
            joined(other),
            Err(EndpointError::OtherOrigin("http://a:1".into())),
            "{other}"
        );
    }
    assert_eq!(joined("http://u:p@a:1/"), Err(EndpointError::Credentials));
    assert!(head_of(&base.join("/m").unwrap(), Method::Post).contains("x-key: secret\r\n"));
}

#[test]
fn secrets_are_not_shown() {
    let endpoint = endpoint(
        "http://a/mcp?token=hidden",
        &[("Authorization", "Bearer hidden")],
    )
    .unwrap();
    let shown = format!("{endpoint:?}");
    assert!(
        shown.contains("/mcp") && shown.contains("authorization"),
        "{shown}"
    );
    assert!(!shown.contains("hidden"), "{shown}");
    let refused = self::endpoint("http://a/", &[("a", "hidden\nhidden")]).unwrap_err();
    assert!(!refused.to_string().contains("hidden"));
}

#[test]
fn origins_are_counted_together() {
    let one = endpoint("http://counted.example/a", &[]).unwrap();
    let other = endpoint("http://counted.example:80/b", &[]).unwrap();
    let slots: Vec<_> = (0..CONNECTIONS_PER_ORIGIN_MAX)
        .map(|_| one.at().slot().unwrap())
        .collect();
    let refused = other.at().slot().err().unwrap();
    assert!(matches!(
        refused,
        HttpError::Busy {
            limit: CONNECTIONS_PER_ORIGIN_MAX,
            ..
        }
    ));
    assert!(refused.is_unsent());
    drop(slots);
    other.at().slot().unwrap();
}

#[test]
fn moves_are_remembered_while_they_work() {
    let endpoint = endpoint("http://moved.example/mcp", &[]).unwrap();
    let url = || endpoint.current().url().to_owned();
    endpoint.redirected(307, "/elsewhere").unwrap();
    assert_eq!(url(), "http://moved.example/mcp", "a temporary move is not");
    endpoint.redirected(307, "/mcp/").unwrap();
    assert_eq!(url(), "http://moved.example/mcp/", "a slash is");
    endpoint.moved_to(200);
    endpoint.moved_to(401);
    assert_eq!(url(), "http://moved.example/mcp/");
    endpoint.moved_to(404);
    assert_eq!(url(), "http://moved.example/mcp");
    endpoint.redirected(307, "/mcp/").unwrap();
    assert_eq!(url(), "http://moved.example/mcp/");
    endpoint.redirected(308, "/new").unwrap();
    assert_eq!(
        url(),
        "http://moved.example/mcp",
        "a second place is not remembered, but the first is forgotten"
    );
    assert!(endpoint.redirected(308, "http://other.example/").is_err());
}
