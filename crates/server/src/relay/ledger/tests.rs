use super::*;

fn frame(text: &str) -> Frame {
    Frame::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn request(id: &str, method: &str) -> Frame {
    Frame::parse(build::request(id, method, None)).unwrap()
}

/// One that has greeted and is served.
fn greeted() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.up(request("1", "initialize")).unwrap();
    ledger.down(frame(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
    ledger
        .up(frame(
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ))
        .unwrap();
    ledger
}

fn texts(all: &[Bytes]) -> Vec<String> {
    let mut texts: Vec<String> = all
        .iter()
        .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        .collect();
    texts.sort();
    texts
}

#[test]
fn what_passes_stays_what_it_was() {
    let mut ledger = greeted();
    let text = r#"{ "jsonrpc":"2.0","id":2, "method":"tools/call","x":1}"#;
    assert_eq!(ledger.up(frame(text)).unwrap().unwrap(), text);
    let text = r#"{"jsonrpc":"2.0", "id":2,"result":{"y":2}}"#;
    assert_eq!(ledger.down(frame(text)).unwrap(), text);
    let text = r#"{"jsonrpc":"2.0","id":7,"method":"roots/list"}"#;
    assert_eq!(ledger.down(frame(text)).unwrap(), text);
    let text = r#"{"jsonrpc":"2.0","id":7,"result":{"roots":[]}}"#;
    assert_eq!(ledger.up(frame(text)).unwrap().unwrap(), text);
    assert_eq!(ledger.lost().told, Vec::<Bytes>::new());
}

#[test]
fn calls_fail_and_lists_are_asked_again() {
    let mut ledger = greeted();
    ledger.up(request("2", "tools/call")).unwrap();
    ledger.up(request("\"a\"", "tools/list")).unwrap();
    let lost = ledger.lost();
    assert_eq!(lost.told.len(), 1);
    assert!(
        texts(&lost.told)[0].starts_with(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32603"#),
        "{:?}",
        lost.told
    );
    assert_eq!(
        texts(&lost.again),
        [
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ]
    );
    let hello = frame(std::str::from_utf8(&lost.hello.unwrap()).unwrap());
    assert_eq!(
        (hello.method(), hello.id()),
        ("initialize", Some("\"portolan-again-1\""))
    );
    assert!(ledger.waits_for_greeting());
    let answer = r#"{"jsonrpc":"2.0","id":"portolan-again-1","result":{}}"#;
    assert_eq!(ledger.down(frame(answer)), None);
    assert!(!ledger.waits_for_greeting());
    assert_eq!(lost.news.len(), 3);
    // The answer to what was asked again is the client's.
    assert!(
        ledger
            .down(frame(r#"{"jsonrpc":"2.0","id":"a","result":{}}"#))
            .is_some()
    );
    assert_eq!(ledger.lost().again.len(), 1);
}

#[test]
fn one_that_never_greeted_says_nothing_of_itself() {
    let mut ledger = Ledger::default();
    ledger.up(request("1", "initialize")).unwrap();
    let lost = ledger.lost();
    assert_eq!((lost.hello, lost.news.len()), (None, 0));
    assert_eq!(
        texts(&lost.again),
        [r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#]
    );
}

#[test]
fn levels_and_subscriptions_come_along() {
    let mut ledger = greeted();
    ledger
        .up(frame(
            r#"{"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"error"}}"#,
        ))
        .unwrap();
    for (id, method, uri) in [
        (3, "subscribe", "a"),
        (4, "subscribe", "b"),
        (5, "unsubscribe", "a"),
    ] {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"resources/{method}","params":{{"uri":"{uri}"}}}}"#
        );
        ledger.up(frame(&text)).unwrap();
    }
    for id in 2..=5 {
        ledger.down(frame(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#
        )));
    }
    let again = texts(&ledger.lost().again).join("\n");
    assert!(
        again.contains(r#""level":"error""#) && again.contains(r#""uri":"b""#),
        "{again}"
    );
    assert!(!again.contains(r#""uri":"a""#), "{again}");
}

#[test]
fn a_late_answer_reaches_no_other_gateway() {
    let mut ledger = greeted();
    let question = r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create"}"#;
    ledger.down(frame(question));
    let lost = ledger.lost();
    assert!(
        texts(&lost.told)[0].contains(r#""requestId":1"#),
        "{:?}",
        lost.told
    );
    let late = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(ledger.up(frame(late)).unwrap(), None);
    // The next gateway asks under the same number.
    let asked = ledger.down(frame(question)).unwrap();
    let asked = Frame::parse(asked).unwrap();
    assert_ne!(asked.id(), Some("1"));
    assert_eq!(ledger.up(frame(late)).unwrap(), None);
    let answer = build::result(asked.id().unwrap(), r#"{"z":1}"#);
    let answer = ledger.up(Frame::parse(answer).unwrap()).unwrap().unwrap();
    assert_eq!(answer, r#"{"jsonrpc":"2.0","id":1,"result":{"z":1}}"#);
}

#[test]
fn a_question_is_taken_back_under_its_new_name() {
    let mut ledger = greeted();
    ledger.lost();
    let asked = ledger
        .down(frame(r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#))
        .unwrap();
    let name = Frame::parse(asked).unwrap().id().unwrap().to_owned();
    let back = ledger
        .down(frame(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        ))
        .unwrap();
    assert!(
        String::from_utf8_lossy(&back).contains(&format!(r#""requestId":{name}"#)),
        "{back:?}"
    );
}

#[test]
fn requests_without_end_are_refused() {
    let mut ledger = Ledger::default();
    for id in 0..ATTACHED_PENDING_MAX {
        ledger.up(request(&id.to_string(), "tools/call")).unwrap();
    }
    let refusal = ledger.up(request("\"last\"", "tools/call")).unwrap_err();
    assert!(
        String::from_utf8_lossy(&refusal).contains("too many requests"),
        "{refusal:?}"
    );
    // One that is taken back makes room.
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}"#;
    ledger.up(frame(cancelled)).unwrap();
    ledger.up(request("\"last\"", "tools/call")).unwrap();
}

#[test]
fn what_a_gateway_has_not_taken_is_made_once() {
    let mut ledger = greeted();
    for id in ["2", "3"] {
        ledger.up(request(id, "tools/call")).unwrap();
    }
    // The greeting, its acknowledgement and the first call.
    let last = Frame::parse(ended(3)).unwrap();
    assert_eq!(ledger.down(last), None);
    let lost = ledger.lost();
    assert_eq!(lost.told.len(), 1);
    assert!(
        texts(&lost.told)[0].contains(r#""id":2"#),
        "{:?}",
        lost.told
    );
    assert!(
        texts(&lost.again)[0].contains(r#""id":3"#),
        "{:?}",
        lost.again
    );
    // For the next one it is the third line; what that has taken is not made again.
    ledger.down(Frame::parse(ended(3)).unwrap());
    assert_eq!(ledger.lost().told.len(), 1);
}
