//! Habits in answers to calls: too many, for others, of the wrong shape, of no shape at all.

use std::time::Duration;

use serde_json::{Value, json};

use crate::misbehaving::{Asked, Step, sound};

type Steps = Option<Vec<Step>>;

/// Around a call; anything else is answered soundly.
fn call(asked: &Asked, steps: impl FnOnce() -> Vec<Step>) -> Steps {
    asked.is_call().then(steps)
}

/// Bytes of an answer with this id and this rest.
fn raw(asked: &Asked, rest: &str) -> Step {
    let id = asked.id();
    Step::Bytes(format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#).into_bytes())
}

pub(super) fn chatty(asked: &Asked) -> Steps {
    call(asked, || {
        let word = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {
            "level": "error", "logger": "chatty", "data": "x".repeat(500)}});
        let unknown =
            json!({"jsonrpc": "2.0", "method": "notifications/never-heard-of", "params": []});
        let talk = Step::Again(Duration::ZERO, 50, vec![word, unknown]);
        vec![talk.clone(), Step::Say(sound::answer(asked)), talk]
    })
}

pub(super) fn twice(asked: &Asked) -> Steps {
    asked.is_request().then(|| {
        let mut steps = sound::steps(asked);
        if asked.is_call() {
            steps.push(Step::Say(sound::said(asked, "on second thoughts, no")));
        } else {
            steps.insert(0, steps[0].clone());
        }
        steps
    })
}

pub(super) fn others(asked: &Asked) -> Steps {
    call(asked, || {
        let own = asked.id().as_i64().unwrap_or(0);
        let ids = [
            json!(own + 1),
            json!(own + 1000),
            json!(-1),
            json!(0),
            json!(own as f64 + 0.5),
            json!("nobody"),
            json!(u64::MAX),
            Value::Null,
            json!([own]),
            json!({}),
        ];
        let mut steps: Vec<Step> = ids
            .into_iter()
            .map(|id| {
                let mut answer = sound::said(asked, "not for you");
                answer["id"] = id;
                Step::Say(answer)
            })
            .collect();
        steps.push(Step::Say(sound::answer(asked)));
        steps
    })
}

pub(super) fn wrong_ids(asked: &Asked) -> Steps {
    call(asked, || {
        let mut answer = sound::answer(asked);
        answer["id"] = json!(asked.id().to_string());
        // A stream that ended would say more than a line does.
        vec![Step::Say(answer), Step::Never]
    })
}

pub(super) fn invalid_utf8(asked: &Asked) -> Steps {
    call(asked, || {
        let mut bytes = sound::said(asked, "#").to_string().into_bytes();
        for byte in &mut bytes {
            if *byte == b'#' {
                *byte = 0xff;
            }
        }
        vec![Step::Bytes(bytes), Step::Never]
    })
}

pub(super) fn no_json(asked: &Asked) -> Steps {
    if asked.is_start() {
        return Some(vec![
            Step::Bytes(b"  Welcome to the server!  ".to_vec()),
            Step::Bytes(Vec::new()),
            Step::Bytes(b"[1,2".to_vec()),
        ]);
    }
    asked.is_request().then(|| {
        let mut steps = vec![
            Step::Bytes(b"DEBUG something came in".to_vec()),
            Step::Bytes(br#"{"jsonrpc":"2.0","id":"#.to_vec()),
            Step::Bytes(b"null".to_vec()),
            Step::Bytes(b"[]".to_vec()),
            Step::Bytes(b"\x00\x01\x02".to_vec()),
        ];
        steps.extend(sound::steps(asked));
        steps
    })
}

pub(super) fn long_lines(asked: &Asked) -> Steps {
    call(asked, || vec![Step::Long(100 << 20), Step::Never])
}

pub(super) fn deep(asked: &Asked) -> Steps {
    const LEVELS: usize = 100_000;
    call(asked, || {
        let rest = format!(r#""result":{}{}"#, "[".repeat(LEVELS), "]".repeat(LEVELS));
        vec![raw(asked, &rest), Step::Never]
    })
}

pub(super) fn double_members(asked: &Asked) -> Steps {
    call(asked, || {
        let rest = r#""id":1,"result":{"content":[]},"result":{"content":[],"isError":true}"#;
        vec![raw(asked, rest), Step::Never]
    })
}

pub(super) fn wrong_types(asked: &Asked) -> Steps {
    const RESTS: [&str; 8] = [
        r#""result":"done""#,
        r#""result":null"#,
        r#""result":[1,2,3]"#,
        r#""result":{"content":7}"#,
        r#""error":"no""#,
        r#""error":{"code":"x","message":7}"#,
        r#""result":{},"error":{"code":1,"message":"both"}"#,
        r#""nothing":true"#,
    ];
    call(asked, || {
        let rest = RESTS[asked.n as usize % RESTS.len()];
        vec![raw(asked, rest), Step::Never]
    })
}

pub(super) fn asks_always(asked: &Asked) -> Steps {
    call(asked, || {
        let question = |method: &str, params: Value| {
            Step::Say(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        };
        vec![
            question("ping", Value::Null),
            question(
                "elicitation/create",
                json!({"message": "sure?", "requestedSchema": {"type": "object", "properties": {}}}),
            ),
            question(
                "sampling/createMessage",
                json!({"messages": [], "maxTokens": 1}),
            ),
            question("roots/list", json!({})),
            question("give/me/everything", json!([])),
            Step::Say(sound::answer(asked)),
        ]
    })
}

pub(super) fn asks_for_ever(asked: &Asked) -> Steps {
    call(asked, || {
        let question = json!({"method": "elicitation/create", "params": {"mode": "form", "message": "and now?",
            "requestedSchema": {"type": "object", "properties": {}}}});
        let mut answer = sound::result(
            asked,
            json!({"inputRequests": {"more": question}, "requestState": "again"}),
        );
        answer["result"]["resultType"] = json!("input_required");
        vec![Step::Say(answer)]
    })
}

pub(super) fn wrong_version(asked: &Asked) -> Steps {
    asked.is_greeting().then(|| {
        let mut answer = sound::answer(asked);
        if answer.get("result").is_some() {
            answer["result"]["protocolVersion"] = json!("1999-12-31");
            answer["result"]["supportedVersions"] = json!(["1999-12-31"]);
        }
        vec![Step::Say(answer)]
    })
}

pub(super) fn false_progress(asked: &Asked) -> Steps {
    call(asked, || {
        let own = &asked.message["params"]["_meta"]["progressToken"];
        let tokens = [
            own.clone(),
            json!(1),
            json!("x"),
            Value::Null,
            json!({"a": 1}),
        ];
        let mut steps: Vec<Step> = (0..50)
            .map(|n| {
                Step::Say(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
                    "progressToken": tokens[n % tokens.len()], "progress": 50 - n as i64, "total": -1}}))
            })
            .collect();
        steps.push(Step::Say(sound::answer(asked)));
        steps
    })
}
