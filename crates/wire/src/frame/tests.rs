use super::*;
use crate::code::{INVALID_REQUEST, PARSE_ERROR};
use crate::limits::{ID_BYTES_MAX, METHOD_BYTES_MAX};

const CALL: &str = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"x":1}},"x-new":[1]}"#;

fn frame(text: &str) -> Frame {
    Frame::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn refused(text: &str) -> FrameError {
    Frame::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap_err()
}

#[test]
fn requests_are_read() {
    let call = frame(CALL);
    assert_eq!(call.kind(), Kind::Request);
    assert_eq!(call.id(), Some("\"a\""));
    assert_eq!(call.method(), "tools/call");
    assert_eq!(
        call.params(),
        Some(r#"{"name":"echo","arguments":{"x":1}}"#)
    );
    assert_eq!((call.result(), call.error()), (None, None));
    assert_eq!(
        call.params_object()
            .unwrap()
            .string("name")
            .unwrap()
            .as_deref(),
        Some("echo")
    );
    assert_eq!(call.to_id(), Some(Id::parse("\"a\"").unwrap()));
    assert_eq!(call.into_bytes(), CALL);
}

#[test]
fn notifications_are_read() {
    let note = frame(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(
        (note.kind(), note.id(), note.method()),
        (Kind::Notification, None, "notifications/initialized")
    );
    assert_eq!(note.params(), None);
    assert!(note.params_object().unwrap().is_empty());
}

#[test]
fn answers_are_read() {
    let result = frame(r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#);
    assert_eq!(
        (result.kind(), result.id(), result.method()),
        (Kind::Result, Some("7"), "")
    );
    assert_eq!(
        (result.result(), result.error(), result.params()),
        (Some(r#"{"content":[]}"#), None, None)
    );
    assert_eq!(
        result.result_object().unwrap().unwrap().get("content"),
        Ok(Some("[]"))
    );
    let error = frame(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"m"}}"#);
    assert_eq!((error.kind(), error.result()), (Kind::Error, None));
    assert_eq!(error.error(), Some(r#"{"code":-1,"message":"m"}"#));
    assert_eq!(
        error
            .error_object()
            .unwrap()
            .unwrap()
            .string("message")
            .unwrap()
            .as_deref(),
        Some("m")
    );
    assert_eq!(
        frame(r#"{"jsonrpc":"2.0","id":7,"result":null}"#).result(),
        Some("null")
    );
}

#[test]
fn an_error_may_not_know_its_request() {
    for text in [
        r#"{"jsonrpc":"2.0","id":null,"error":{}}"#,
        r#"{"jsonrpc":"2.0","error":{}}"#,
    ] {
        let error = frame(text);
        assert_eq!(
            (error.kind(), error.id(), error.to_id()),
            (Kind::Error, None, None)
        );
    }
    assert_eq!(
        frame(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#).with_id("7"),
        r#"{"jsonrpc":"2.0","id":7,"error":{}}"#
    );
}

#[test]
fn absent_and_null_params_are_the_same() {
    let ping = frame(r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#);
    assert_eq!(ping.params(), None);
    assert!(ping.params_object().unwrap().is_empty());
    let list = frame(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#);
    assert_eq!(list.params(), Some("[1]"));
    assert_eq!(list.params_object().unwrap_err(), ObjectError::NotAnObject);
}

#[test]
fn surrounding_white_space_goes_and_inner_stays() {
    let text = " \r\n{ \"jsonrpc\" : \"2.0\",\n\"id\" : 1 , \"method\" :\t\"ping\" }\n ";
    let ping = frame(text);
    assert_eq!(ping.bytes(), text.trim());
    assert_eq!((ping.id(), ping.method()), (Some("1"), "ping"));
}

#[test]
fn escapes_are_understood_where_we_read() {
    let text = r#"{"json\u0072pc":"\u0032.0","\u0069d":1,"method":"tools\/call"}"#;
    let call = frame(text);
    assert_eq!(
        (call.kind(), call.id(), call.method()),
        (Kind::Request, Some("1"), "tools/call")
    );
    assert_eq!(call.clone().method(), "tools/call");
    assert_eq!(call.bytes(), text);
}

#[test]
fn the_id_is_spliced_and_nothing_else() {
    let call = frame(CALL);
    assert_eq!(call.with_id("12345"), CALL.replacen("\"a\"", "12345", 1));
    assert_eq!(call.with_id("\"a\""), CALL);
    let note = frame(r#"{"jsonrpc":"2.0","method":"x"}"#);
    assert_eq!(note.with_id("1"), note.bytes());
}

#[test]
fn edits_begin_here() {
    let call = frame(CALL);
    let same = call.edit().apply();
    assert_eq!(same.as_ptr(), call.bytes().as_ptr());
    let params = call.params_object().unwrap();
    let mut edits = call.edit();
    edits.replace(call.id().unwrap(), "1");
    edits.set(&params, "name", "\"other\"");
    edits.set(&params, "_meta", "{}");
    edits.remove(&call.object().unwrap(), "x-new");
    assert_eq!(
        edits.apply(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"other","arguments":{"x":1},"_meta":{}}}"#
    );
}

#[test]
fn what_is_no_json_is_a_parse_error() {
    let texts = [
        "",
        "nonsense",
        "{",
        "{}}",
        "{\"a\":1,}",
        "[1",
        "\"a",
        "{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"x\"}",
        "{} {}",
    ];
    for text in texts {
        let error = refused(text);
        assert_eq!(
            (error.code(), error.id.clone()),
            (PARSE_ERROR, None),
            "{text}"
        );
        assert!(error.message.starts_with("not valid JSON: "), "{error}");
    }
    let error = Frame::parse(Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string()),
        (PARSE_ERROR, "not UTF-8 at byte 6".to_owned())
    );
}

#[test]
fn what_is_no_message_is_invalid() {
    let cases = [
        ("[]", "a message must be a JSON object"),
        ("1", "a message must be a JSON object"),
        (r#"{"id":1,"method":"x"}"#, "`jsonrpc` must be \"2.0\""),
        (
            r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
            "`jsonrpc` must be \"2.0\"",
        ),
        (
            r#"{"jsonrpc":2.0,"id":1,"method":"x"}"#,
            "`jsonrpc` must be \"2.0\"",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1}"#,
            "a message needs `method`, `result` or `error`",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            "`method` must be a string",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":null}"#,
            "`method` must be a string",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":7}"#,
            "`params` must be an object",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#,
            "a message with `method` cannot have `result` or `error`",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            "an answer has either `result` or `error`, not both",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":"bad"}"#,
            "`error` must be an object",
        ),
        (
            r#"{"jsonrpc":"2.0","result":{}}"#,
            "a result needs the `id` of its request",
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
            "`id`: an id must be a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#,
            "`id`: an id must be a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#,
            "`id`: an id must be a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#,
            "`id`: an id must be a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":true,"error":{}}"#,
            "`id`: an id must be a string or an integer",
        ),
    ];
    for (text, message) in cases {
        let error = refused(text);
        assert_eq!(
            (error.code(), &*error.message),
            (INVALID_REQUEST, message),
            "{text}"
        );
    }
}

#[test]
fn members_that_we_read_may_come_once() {
    for (name, value) in [
        ("jsonrpc", "\"2.0\""),
        ("method", "\"x\""),
        ("params", "{}"),
        ("error", "{}"),
        ("result", "1"),
    ] {
        let error = refused(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"{name}":{value},"{name}":{value}}}"#
        ));
        assert_eq!(
            error.message,
            format!("member `{name}` occurs more than once; send it once")
        );
        assert_eq!(error.id, Some(Id::number(1)));
    }
    let error = refused(r#"{"jsonrpc":"2.0","id":1,"method":"x","i\u0064":2}"#);
    assert_eq!((error.code(), error.id), (INVALID_REQUEST, None));
    frame(r#"{"jsonrpc":"2.0","id":1,"method":"x","other":1,"other":2}"#);
}

#[test]
fn refusals_can_be_answered() {
    let reply = refused(r#"{"jsonrpc":"2.0","id":"q","method":7}"#).reply();
    assert_eq!(
        reply,
        r#"{"jsonrpc":"2.0","id":"q","error":{"code":-32600,"message":"`method` must be a string"}}"#
    );
    let reply = refused("nonsense").reply();
    assert!(reply.starts_with(
        br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not valid JSON: "#
    ));
}

#[test]
fn depth_has_a_limit() {
    // The message and `params` are two levels themselves.
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 2), "]".repeat(levels - 2));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{open}{close}}}}}"#)
    };
    frame(&nested(DEPTH_MAX));
    let error = refused(&nested(DEPTH_MAX + 1));
    assert_eq!(
        (error.code(), &*error.message),
        (INVALID_REQUEST, "message nested deeper than 128 levels")
    );
    assert_eq!(refused(&"[".repeat(100_000)).code(), INVALID_REQUEST);
}

#[test]
fn length_has_a_limit() {
    let sized = |bytes: usize| {
        let frame = r#"{"jsonrpc":"2.0","id":1,"result":""}"#;
        frame.replace("\"\"", &format!("\"{}\"", "a".repeat(bytes - frame.len())))
    };
    assert_eq!(
        frame(&sized(FRAME_BYTES_MAX)).bytes().len(),
        FRAME_BYTES_MAX
    );
    let error = refused(&sized(FRAME_BYTES_MAX + 1));
    assert_eq!(error.code(), INVALID_REQUEST);
    assert_eq!(
        error.message,
        "message of 16777217 bytes; at most 16777216 are accepted"
    );
}

#[test]
fn ids_and_methods_have_limits() {
    let with = |id: usize, method: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":"{}","method":"{}"}}"#,
            "i".repeat(id - 2),
            "m".repeat(method - 2)
        )
    };
    frame(&with(ID_BYTES_MAX, METHOD_BYTES_MAX));
    assert_eq!(
        refused(&with(ID_BYTES_MAX + 1, 3)).message,
        "`id`: an id may have at most 4096 bytes"
    );
    assert_eq!(
        refused(&with(3, METHOD_BYTES_MAX + 1)).message,
        "`method` may have at most 1024 bytes"
    );
}
