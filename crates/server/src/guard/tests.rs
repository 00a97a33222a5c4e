use http::{HeaderValue, Request};

use super::*;

fn head(fields: &[(&'static str, &str)]) -> Parts {
    let mut request = Request::get("/mcp").body(()).unwrap();
    for (name, value) in fields {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_str(value).unwrap());
    }
    request.into_parts().0
}

fn open() -> Guard {
    Guard::new(
        Auth::Open,
        Names::new(["gate.example", "other.example:8811"]),
        Names::new(["https://app.example/"]),
    )
}

/// Who comes in.
fn enter(guard: &Guard, head: &Parts, local: Option<IpAddr>) -> Result<String, Refusal> {
    match guard.admit(head, local) {
        Ok(admitted) => Ok(admitted.name.to_string()),
        Err(Closed::No(refusal)) => Err(refusal),
        Err(Closed::For(_)) => panic!("nobody has to wait here"),
    }
}

fn try_host(host: &str) -> Result<String, Refusal> {
    enter(
        &open(),
        &head(&[("host", host)]),
        Some([192, 168, 1, 5].into()),
    )
}

fn try_origin(origin: &str) -> Result<String, Refusal> {
    enter(
        &open(),
        &head(&[("host", "localhost"), ("origin", origin)]),
        Some([192, 168, 1, 5].into()),
    )
}

#[test]
fn loopback_names_configured_names_and_our_own_address_are_ours() {
    for host in [
        "localhost",
        "LOCALHOST:1",
        "localhost.:80",
        "app.localhost",
        "127.0.0.1:8811",
        "127.9.9.9",
        "[::1]",
        "[::1]:8811",
        "[::ffff:127.0.0.1]:1",
        "gate.example",
        "Gate.Example:99",
        "other.example:8811",
        "192.168.1.5:8811",
    ] {
        assert!(try_host(host).is_ok(), "{host}");
    }
}

#[test]
fn other_names_are_not() {
    for host in [
        "evil.example",
        "localhost.evil.example",
        "evillocalhost",
        ".localhost",
        "127.0.0.1.evil.example",
        "192.168.1.6",
        "other.example",
        "other.example:1",
        "localhost:",
        "localhost:80:90",
        "localhost:+80",
        "localhost@evil.example",
        "[::1",
        "[::2]",
        "[localhost]",
        "[::1]evil",
        "::1",
        ":80",
        "2130706433",
        "0.0.0.0",
    ] {
        let refused = try_host(host).is_err_and(|refusal| matches!(refusal, Refusal::Host(_)));
        assert!(refused || host == "localhost:", "{host}");
    }
}

#[test]
fn a_host_header_is_there_exactly_once() {
    assert_eq!(enter(&open(), &head(&[]), None), Err(Refusal::HostMissing));
    assert_eq!(
        enter(
            &open(),
            &head(&[("host", "localhost"), ("host", "localhost")]),
            None
        ),
        Err(Refusal::HostMissing)
    );
}

#[test]
fn the_authority_of_an_absolute_uri_is_checked_too() {
    let mut head = head(&[("host", "localhost")]);
    head.uri = "http://evil.example/mcp".parse().unwrap();
    assert_eq!(
        enter(&open(), &head, None),
        Err(Refusal::Host("evil.example".into()))
    );
}

#[test]
fn pages_of_this_machine_and_configured_ones_may_ask() {
    for origin in [
        "http://localhost:6274",
        "https://127.0.0.1",
        "http://[::1]:3",
        "https://app.example",
        "http://192.168.1.5",
    ] {
        assert!(try_origin(origin).is_ok(), "{origin}");
    }
    for origin in [
        "null",
        "",
        "https://evil.example",
        "http://app.example",
        "https://app.example:444",
        "file://localhost",
        "http://localhost.evil.example",
        "http://localhost/x",
        "localhost",
    ] {
        assert_eq!(
            try_origin(origin),
            Err(Refusal::Origin(origin.to_owned())),
            "{origin}"
        );
    }
}

#[test]
fn a_star_allows_all() {
    let guard = Guard::new(Auth::Open, Names::new(["*"]), Names::new(["*"]));
    assert!(
        guard
            .admit(&head(&[("host", "a.example"), ("origin", "null")]), None)
            .is_ok()
    );
}

#[test]
fn the_token_decides_when_there_is_one() {
    let token = Token::new("0123456789abcdef0123456789abcdef").unwrap();
    let guard = Guard::new(
        Auth::Token(Arc::new(token)),
        Names::default(),
        Names::default(),
    );
    let with = |value: &str| {
        enter(
            &guard,
            &head(&[("host", "localhost"), ("authorization", value)]),
            None,
        )
    };
    assert_eq!(
        with("Bearer 0123456789abcdef0123456789abcdef"),
        Ok("token".into())
    );
    assert!(with("bearer  0123456789abcdef0123456789abcdef").is_ok());
    assert_eq!(
        with("Bearer 0123456789abcdef0123456789abcdee"),
        Err(Refusal::TokenWrong)
    );
    assert_eq!(with("Bearer "), Err(Refusal::TokenWrong));
    for value in [
        "0123456789abcdef0123456789abcdef",
        "Basic 0123456789abcdef0123456789abcdef",
        "Bearer",
    ] {
        assert_eq!(with(value), Err(Refusal::TokenMissing), "{value}");
    }
    assert_eq!(
        enter(&guard, &head(&[("host", "localhost")]), None),
        Err(Refusal::TokenMissing)
    );
    let evil = head(&[
        ("host", "evil.example"),
        ("authorization", "Bearer 0123456789abcdef0123456789abcdef"),
    ]);
    assert!(matches!(enter(&guard, &evil, None), Err(Refusal::Host(_))));
}

#[test]
fn without_a_token_everybody_is_the_local_caller() {
    assert_eq!(try_host("localhost"), Ok("local".into()));
}

/// Keys of an issuer that never come.
struct Keyless;

impl Callers for Keyless {
    fn admit(&self, _: &str, _: &str) -> Result<Admitted, Unadmitted> {
        Err(Unadmitted::Wait(Box::pin(std::future::pending())))
    }

    fn holds(&self, _: &str, _: &Lease) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_keys_that_do_not_come_is_told_so_in_time() {
    let token = Arc::new(Token::new("a-token-for-tests").unwrap());
    let guard = Guard::new(
        Auth::Callers(token, Arc::new(Keyless)),
        Names::new([""; 0]),
        Names::new([""; 0]),
    );
    let fields = [("host", "localhost"), ("authorization", "Bearer a.b.c")];
    let begun = tokio::time::Instant::now();
    let refused = guard.admit_in_time(&head(&fields), None).await.unwrap_err();
    assert_eq!(begun.elapsed(), KEYS_WAIT);
    assert_eq!(
        refused,
        Refusal::Unavailable("its issuer is slow".to_owned())
    );
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}
