//! The table of client habits, and what each does. The tools that they call are the fixture's.

mod over_http;

use serde_json::{Value, json};

use super::{ClientHabit, Deed, Tongue, notification};
use crate::misbehaving::Over;

type Deeds = Vec<Deed>;

/// Every client habit.
pub const CLIENT_HABITS: &[ClientHabit] = &[
    habit(
        "reads-nothing",
        Over::Both,
        reads_nothing,
        "calls 300 times and reads no answer",
    ),
    habit(
        "half-a-request",
        Over::Both,
        half,
        "sends half a request and stops",
    ),
    habit(
        "leaves-mid-call",
        Over::Both,
        leaves,
        "goes away in the middle of 50 calls",
    ),
    habit(
        "never-answers",
        Over::Both,
        never_answers,
        "leaves the question of a server without an answer",
    ),
    habit(
        "answers-unasked",
        Over::Both,
        unasked,
        "answers questions that nobody asked",
    ),
    habit(
        "answers-twice",
        Over::Both,
        twice,
        "answers each question twice",
    ),
    habit(
        "subscribes",
        Over::Both,
        subscribes,
        "subscribes to 10,000 resources",
    ),
    habit("huge-bodies", Over::Both, huge, "sends a message of 100 MB"),
    habit(
        "duplicate-ids",
        Over::Both,
        duplicate_ids,
        "makes 20 calls at once, all with the same id",
    ),
    habit(
        "odd-ids",
        Over::Both,
        odd_ids,
        "makes calls with ids of every wrong type, and long ones",
    ),
    habit(
        "invalid-utf8",
        Over::Both,
        invalid_utf8,
        "sends bytes that are no UTF-8",
    ),
    habit(
        "no-json",
        Over::Both,
        no_json,
        "sends what is no JSON, and no JSON-RPC",
    ),
    habit(
        "floods-notifications",
        Over::Both,
        floods,
        "sends 2,000 notifications of every kind",
    ),
    habit(
        "deep-json",
        Over::Both,
        deep,
        "sends arrays in arrays, 100,000 deep",
    ),
    habit(
        "double-members",
        Over::Both,
        double_members,
        "calls two tools in one request",
    ),
    habit(
        "cancels-everything",
        Over::Both,
        cancels,
        "takes back what it never asked, and all that it asks",
    ),
    habit(
        "batches",
        Over::Both,
        batches,
        "sends batches, empty and of 10,000",
    ),
    habit(
        "greets-always",
        Over::Both,
        greets,
        "greets again and again, in every version",
    ),
    habit(
        "forged-state",
        Over::Both,
        forged_state,
        "goes on with states, cursors and tasks of its own making",
    ),
    habit(
        "wrong-headers",
        Over::Http,
        over_http::wrong_headers,
        "sends Mcp-* headers that say something else than its messages",
    ),
    habit(
        "guesses-sessions",
        Over::Http,
        over_http::sessions,
        "speaks in sessions of others, and ends them",
    ),
    habit(
        "no-http",
        Over::Http,
        over_http::no_http,
        "sends what is no HTTP",
    ),
    habit(
        "slow-head",
        Over::Http,
        over_http::slow_head,
        "sends its header byte by byte",
    ),
    habit(
        "endless-head",
        Over::Http,
        over_http::endless_head,
        "sends a header of 10 MB",
    ),
];

const fn habit(
    name: &'static str,
    over: Over,
    deeds: fn(&Tongue) -> Deeds,
    doc: &'static str,
) -> ClientHabit {
    ClientHabit {
        name,
        doc,
        over,
        deeds,
    }
}

fn reads_nothing(_: &Tongue) -> Deeds {
    vec![
        Deed::Listen,
        Deed::Many(300, |tongue, n| {
            tongue.call(n, "echo", json!({"text": "x".repeat(100_000)}))
        }),
    ]
}

fn half(tongue: &Tongue) -> Deeds {
    let whole = tongue.call(1, "echo", json!({"text": "x"})).to_string();
    let (half, _) = whole.split_at(whole.len() / 2);
    vec![
        Deed::Part(half.as_bytes().to_vec(), whole.len()),
        Deed::Part(Vec::new(), 1000),
        Deed::Part(b"{".to_vec(), usize::MAX),
    ]
}

fn leaves(_: &Tongue) -> Deeds {
    let call = |tongue: &Tongue, n| tongue.call(n, "test_tool_with_progress", json!({}));
    vec![Deed::Many(50, call), Deed::Leave]
}

fn asking(tongue: &Tongue, id: u64) -> Value {
    tongue.call(id, "test_elicitation", json!({"message": "who?"}))
}

fn never_answers(tongue: &Tongue) -> Deeds {
    vec![
        Deed::Listen,
        Deed::Send(asking(tongue, 1)),
        Deed::Ask(asking(tongue, 2)),
    ]
}

fn unasked(_: &Tongue) -> Deeds {
    let ids = [
        json!(1),
        json!(0),
        json!(-1),
        json!("x"),
        json!(1e300),
        Value::Null,
        json!([]),
        json!(u64::MAX),
    ];
    let mut deeds: Deeds = Vec::new();
    for id in ids {
        deeds.push(Deed::Ask(
            json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept"}}),
        ));
        deeds.push(Deed::Ask(
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": 1, "message": "no"}}),
        ));
    }
    deeds
}

fn twice(tongue: &Tongue) -> Deeds {
    vec![Deed::Answer(asking(tongue, 1), 2)]
}

fn subscribes(tongue: &Tongue) -> Deeds {
    if tongue.is_stateless {
        let uris: Vec<String> = (0..10_000)
            .map(|n| format!("test://watched-resource?{n}"))
            .collect();
        let filter =
            json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": uris}});
        let listen = tongue.request("listen", "subscriptions/listen", filter);
        return vec![Deed::Send(listen.clone()), Deed::Send(listen)];
    }
    let subscribe = |tongue: &Tongue, n| {
        let params = json!({"uri": format!("test://watched-resource?{n}")});
        tongue.request(n, "resources/subscribe", params)
    };
    vec![Deed::Many(10_000, subscribe)]
}

fn huge(tongue: &Tongue) -> Deeds {
    let text = "x".repeat(100 << 20);
    vec![Deed::Bytes(
        tongue
            .call(1, "echo", json!({"text": text}))
            .to_string()
            .into_bytes(),
    )]
}

fn duplicate_ids(_: &Tongue) -> Deeds {
    vec![Deed::Many(20, |tongue, _| {
        tongue.call(1, "test_tool_with_progress", json!({}))
    })]
}

fn odd_ids(tongue: &Tongue) -> Deeds {
    let ids = [
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(""),
        Value::Null,
        json!(true),
        json!([1]),
        json!({"id": 1}),
        json!("x".repeat(100_000)),
    ];
    let call = |id| Deed::Ask(tongue.call(id, "echo", json!({"text": "x"})));
    ids.into_iter().map(call).collect()
}

fn invalid_utf8(tongue: &Tongue) -> Deeds {
    let mut bytes = tongue
        .call(1, "echo", json!({"text": "#"}))
        .to_string()
        .into_bytes();
    for byte in &mut bytes {
        if *byte == b'#' {
            *byte = 0xc0;
        }
    }
    vec![Deed::Bytes(bytes), Deed::Bytes(vec![0xff; 1000])]
}

fn no_json(_: &Tongue) -> Deeds {
    let all: [&[u8]; 9] = [
        b"",
        b"null",
        b"7",
        b"\"x\"",
        b"{}",
        b"hello",
        b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":[]}",
    ];
    all.into_iter()
        .map(|bytes| Deed::Bytes(bytes.to_vec()))
        .collect()
}

fn floods(_: &Tongue) -> Deeds {
    vec![Deed::Many(2000, |_, n| match n % 4 {
        0 => notification("notifications/roots/list_changed", json!({})),
        1 => notification(
            "notifications/progress",
            json!({"progressToken": n, "progress": n}),
        ),
        2 => notification("notifications/initialized", json!({})),
        _ => notification(
            "notifications/never-heard-of",
            json!({"x": "x".repeat(100)}),
        ),
    })]
}

fn deep(tongue: &Tongue) -> Deeds {
    const LEVELS: usize = 100_000;
    let call = tongue.call(1, "echo", json!({"text": "#"})).to_string();
    let deep = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    vec![
        Deed::Bytes(call.replace("\"#\"", &deep).into_bytes()),
        Deed::Bytes("[".repeat(LEVELS).into_bytes()),
    ]
}

fn double_members(tongue: &Tongue) -> Deeds {
    let call = tongue.call(1, "echo", json!({"text": "x"})).to_string();
    let double = call.replacen("\"name\":\"echo\"", "\"name\":\"echo\",\"name\":\"add\"", 1);
    let ids = call.replacen("\"id\":1", "\"id\":1,\"id\":2", 1);
    vec![
        Deed::Bytes(double.into_bytes()),
        Deed::Bytes(ids.into_bytes()),
    ]
}

fn cancels(tongue: &Tongue) -> Deeds {
    let cancel = |id: Value| {
        Deed::Ask(notification(
            "notifications/cancelled",
            json!({"requestId": id}),
        ))
    };
    let mut deeds = vec![
        cancel(json!(7)),
        cancel(Value::Null),
        cancel(json!({})),
        cancel(json!("hello")),
    ];
    for n in 100..110 {
        deeds.push(Deed::Send(tongue.call(
            n,
            "test_tool_with_progress",
            json!({}),
        )));
        deeds.push(cancel(json!(n)));
        deeds.push(cancel(json!(n)));
    }
    deeds
}

fn batches(tongue: &Tongue) -> Deeds {
    let batch = |length: u64| -> Value {
        (0..length)
            .map(|n| tongue.call(n, "echo", json!({"text": "x"})))
            .collect()
    };
    let ask = |length| Deed::Bytes(batch(length).to_string().into_bytes());
    vec![
        ask(0),
        ask(1),
        ask(100),
        ask(10_000),
        Deed::Bytes(json!([[], [[]], 1, null]).to_string().into_bytes()),
    ]
}

fn greets(tongue: &Tongue) -> Deeds {
    let versions = [
        "2025-11-25",
        "2024-11-05",
        "2026-07-28",
        "1999-12-31",
        "",
        "latest",
    ];
    let greet = |version: &str| {
        let params = json!({"protocolVersion": version, "capabilities": {"everything": true}, "clientInfo": 7});
        Deed::Ask(tongue.request(version, "initialize", params))
    };
    versions
        .iter()
        .cycle()
        .take(24)
        .map(|version| greet(version))
        .collect()
}

fn forged_state(tongue: &Tongue) -> Deeds {
    let call = |state: Value| {
        let mut call = asking(tongue, 1);
        call["params"]["requestState"] = state;
        call["params"]["inputResponses"] = json!({"x": {"action": "accept"}, "": 7});
        Deed::Ask(call)
    };
    let list =
        |cursor: Value| Deed::Ask(tongue.request(2, "tools/list", json!({"cursor": cursor})));
    let task = |id: &str| Deed::Ask(tongue.request(3, "tasks/get", json!({"taskId": id})));
    let long = "A".repeat(1 << 20);
    vec![
        call(json!("garbage")),
        call(json!("")),
        call(json!(7)),
        call(json!({})),
        call(json!(&long)),
        list(json!("garbage")),
        list(json!(7)),
        list(json!(&long)),
        task("garbage"),
        task(""),
        task("AAAA.BBBB"),
    ]
}
