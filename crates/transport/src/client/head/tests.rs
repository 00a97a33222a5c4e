use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Option<Head>, HeadError> {
    Head::parse(text.as_bytes())
}

/// A whole head from a status line and fields.
#[track_caller]
fn head(lines: &[&str]) -> Head {
    let text = format!("{}\r\n\r\n", lines.join("\r\n"));
    let head = parse(&text).unwrap().expect("the head is whole");
    assert_eq!(head.bytes, text.len());
    head
}

#[track_caller]
fn refused(lines: &[&str]) -> HeadError {
    parse(&format!("{}\r\n\r\n", lines.join("\r\n"))).unwrap_err()
}

const OK: &str = "HTTP/1.1 200 OK";

#[test]
fn a_usual_reply() {
    let head = head(&[
        OK,
        "Content-Type: application/json; charset=utf-8",
        "Content-Length: 12",
        "Mcp-Session-Id: abc",
        "Date: now",
    ]);
    assert_eq!((head.status, head.framing), (200, Framing::Length(12)));
    assert!(head.keep_alive && !head.event_stream && !head.is_interim());
    assert_eq!(head.headers["mcp-session-id"], "abc");
    assert_eq!(
        head.headers["content-type"],
        "application/json; charset=utf-8"
    );
    assert_eq!(head.headers.len(), 2, "a success keeps only what matters");
}

#[test]
fn a_failure_keeps_all_its_fields() {
    let head = head(&[
        "HTTP/1.1 401 No",
        "WWW-Authenticate: Bearer a",
        "X-Odd: 1",
        "x-odd: 2",
        "Content-Length: 0",
    ]);
    assert_eq!(head.headers.get_all("x-odd").iter().count(), 2);
    assert_eq!(head.headers["www-authenticate"], "Bearer a");
}

#[test]
fn it_is_whole_only_at_its_end() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for end in 0..text.len() - "hello".len() {
        assert!(parse(&text[..end]).unwrap().is_none(), "{end}");
    }
    assert_eq!(parse(text).unwrap().unwrap().bytes, text.len() - 5);
}

#[test]
fn event_streams() {
    for value in [
        "text/event-stream",
        "Text/Event-Stream;charset=utf-8",
        "text/event-stream ; x",
    ] {
        assert!(
            head(&[OK, &format!("content-type: {value}")]).event_stream,
            "{value}"
        );
    }
    assert!(!head(&[OK, "content-type: text/event-streams"]).event_stream);
}

#[test]
fn where_the_body_ends() {
    let framing = |lines: &[&str]| head(lines).framing;
    assert_eq!(framing(&[OK]), Framing::Close);
    assert_eq!(
        framing(&[OK, "Transfer-Encoding: Chunked"]),
        Framing::Chunked
    );
    assert_eq!(
        framing(&[OK, "Content-Length: 7, 7", "content-length: 7"]),
        Framing::Length(7)
    );
    assert_eq!(
        framing(&["HTTP/1.1 204 x", "Content-Length: 7"]),
        Framing::Length(0)
    );
    assert_eq!(
        framing(&["HTTP/1.1 304 x", "Transfer-Encoding: chunked"]),
        Framing::Length(0)
    );
    assert_eq!(
        framing(&["HTTP/1.1 100 x", "Content-Length: 7"]),
        Framing::Length(0)
    );
    assert_eq!(framing(&["HTTP/1.1 202 x"]), Framing::Close);
}

#[test]
fn both_framings_are_read_as_chunks_and_end_the_connection() {
    let head = head(&[OK, "Content-Length: 7", "Transfer-Encoding: chunked"]);
    assert_eq!(head.framing, Framing::Chunked);
    assert!(!head.keep_alive);
}

#[test]
fn who_keeps_the_connection() {
    let stays = |lines: &[&str]| head(lines).keep_alive;
    assert!(stays(&[OK, "content-length: 0"]));
    assert!(!stays(&[OK, "Connection: Close"]));
    assert!(!stays(&[OK, "Connection: x, close"]));
    assert!(!stays(&["HTTP/1.0 200 OK"]));
    assert!(stays(&["HTTP/1.0 200 OK", "Connection: keep-alive"]));
    assert!(!stays(&[
        "HTTP/1.0 200 OK",
        "Connection: keep-alive",
        "Transfer-Encoding: chunked"
    ]));
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    assert_eq!(
        refused(&[OK, "Content-Length: 7", "Content-Length: 8"]),
        HeadError::Length
    );
    for length in [
        "",
        "7,8",
        "7,",
        "+7",
        "-7",
        "7 7",
        "0x7",
        "99999999999999999999",
    ] {
        assert_eq!(
            refused(&[OK, &format!("Content-Length: {length}")]),
            HeadError::Length,
            "{length:?}"
        );
    }
    for coding in ["gzip", "gzip, chunked", "chunked, chunked", "identity", ""] {
        assert_eq!(
            refused(&[OK, &format!("Transfer-Encoding: {coding}")]),
            HeadError::TransferCoding,
            "{coding:?}"
        );
    }
    let twice = refused(&[
        OK,
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked",
    ]);
    assert_eq!(twice, HeadError::TransferCoding);
    assert!(matches!(
        refused(&[OK, "Content-Length : 7"]),
        HeadError::Syntax(_)
    ));
    assert!(matches!(
        refused(&[OK, "A: b", " folded"]),
        HeadError::Syntax(_)
    ));
}

#[test]
fn what_nobody_asked_for_is_refused() {
    assert_eq!(
        refused(&[OK, "Content-Encoding: gzip"]),
        HeadError::ContentCoding
    );
    head(&[OK, "Content-Encoding: identity"]);
    assert_eq!(refused(&["HTTP/1.1 101 Switching"]), HeadError::Status(101));
    assert_eq!(refused(&["HTTP/1.1 600 What"]), HeadError::Status(600));
    assert_eq!(refused(&["HTTP/1.1 099 What"]), HeadError::Status(99));
    assert!(matches!(refused(&["HTTP/2 200 OK"]), HeadError::Syntax(_)));
    assert!(matches!(
        refused(&["SSH-2.0-OpenSSH"]),
        HeadError::Syntax(_)
    ));
}

#[test]
fn limits() {
    let fields: Vec<_> = (0..HEAD_FIELDS_MAX)
        .map(|number| format!("a{number}: b"))
        .collect();
    let mut lines = vec![OK];
    lines.extend(fields.iter().map(String::as_str));
    head(&lines);
    lines.push("one-more: b");
    assert_eq!(refused(&lines), HeadError::TooManyFields);

    let long = format!("a: {}", "b".repeat(HEAD_BYTES_MAX));
    assert_eq!(refused(&[OK, &long]), HeadError::TooLong);
    assert_eq!(
        parse(&format!("{OK}\r\n{long}")).unwrap_err(),
        HeadError::TooLong,
        "not only at its end"
    );

    let length = format!("content-length: {}", BODY_BYTES_MAX + 1);
    assert_eq!(refused(&[OK, &length]), HeadError::BodyTooLarge);
    head(&[OK, &length, "content-type: text/event-stream"]);
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Head::parse(&bytes);
        let _ = Head::parse(&[b"HTTP/1.1 200 OK\r\n".as_slice(), &bytes].concat());
    }
}
