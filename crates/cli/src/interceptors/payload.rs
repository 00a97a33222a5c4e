//! What interceptors are told and what they say. Two conventions: ours, which `schemas/interceptor.schema.json` describes and
//! which has the request on both ways, and that of Docker's gateway for `--interceptor`, where its own examples run unchanged.
//! Refuses nonsense with words that say what was expected.

use gateway::{CallFacts, Verdict};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::{Object, method, quote};

/// What ours are told.
pub(super) fn own(facts: &CallFacts, response: Option<&str>) -> String {
    let client = facts.client.as_deref();
    let client = client.map_or_else(String::new, |client| {
        format!(r#","client":{}"#, quote(client))
    });
    let era = match facts.is_stateless {
        true => "stateless",
        false => "handshake",
    };
    let (when, response) = match response {
        None => ("before", String::new()),
        Some(response) => ("after", format!(r#","response":{response}"#)),
    };
    format!(
        r#"{{"version":1,"when":"{when}","call":{{"id":"{:016x}","caller":{},"era":"{era}"{client},"server":{},"tool":{},"name":{}}},"request":{}{response}}}"#,
        facts.id,
        quote(&facts.caller),
        quote(&facts.server),
        quote(&facts.name),
        quote(&facts.called),
        request(&facts.name, &facts.arguments),
    )
}

/// What Docker's are told: the request, or the result alone. An error is a result there, too.
pub(super) fn dockers(facts: &CallFacts, response: Option<&str>) -> String {
    let Some(response) = response else {
        return request(&facts.called, &facts.arguments);
    };
    let response = Object::parse(response).ok();
    let member = |name| {
        response
            .as_ref()
            .and_then(|response| response.get(name).ok()?)
    };
    match (member("result"), member("error")) {
        (Some(result), _) => result.to_owned(),
        (None, error) => {
            let text = quote(error.unwrap_or("the server answered nothing"));
            format!(r#"{{"content":[{{"type":"text","text":{text}}}],"isError":true}}"#)
        }
    }
}

fn request(name: &str, arguments: &str) -> String {
    format!(
        r#"{{"method":"{}","params":{{"name":{},"arguments":{arguments}}}}}"#,
        method::TOOLS_CALL,
        quote(name)
    )
}

/// What ours say. Nothing at all lets the call go on.
pub(super) fn own_said(said: &[u8], is_after: bool) -> Result<Verdict, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Said<'a> {
        decision: String,
        reason: Option<String>,
        #[serde(borrow)]
        arguments: Option<&'a RawValue>,
        #[serde(borrow)]
        result: Option<&'a RawValue>,
    }
    if said.trim_ascii().is_empty() {
        return Ok(Verdict::Allow);
    }
    let said: Said<'_> = serde_json::from_slice(said).map_err(|error| {
        format!("it did not answer as schemas/interceptor.schema.json has it: {error}")
    })?;
    let given = |what: Option<&RawValue>, name: &str| {
        let decision = &said.decision;
        let missing = format!("its decision {decision:?} needs `{name}`, a JSON object");
        let raw = what.map(RawValue::get).filter(|raw| raw.starts_with('{'));
        raw.map(str::to_owned).ok_or(missing)
    };
    match said.decision.as_str() {
        "allow" => Ok(Verdict::Allow),
        "refuse" => Ok(Verdict::Refuse(
            said.reason
                .unwrap_or_else(|| "it gives no reason".to_owned()),
        )),
        "rewrite" if !is_after => given(said.arguments, "arguments").map(Verdict::Rewrite),
        "answer" | "rewrite" => checked(given(said.result, "result")?).map(Verdict::Answer),
        other => Err(format!(
            "its decision {other:?} is none; there are allow, refuse, rewrite and answer"
        )),
    }
}

/// What Docker's say: nothing, or a result.
pub(super) fn dockers_said(said: &[u8]) -> Result<Verdict, String> {
    let said = said.trim_ascii();
    if said.is_empty() {
        return Ok(Verdict::Allow);
    }
    let text = std::str::from_utf8(said).map_err(|_| "what it said is no text".to_owned())?;
    let result: &RawValue = serde_json::from_str(text).map_err(|error| {
        format!("what it said is neither nothing nor the result of a tool: {error}")
    })?;
    let object = Object::parse(result.get())
        .map_err(|error| format!("what it said is no result of a tool: {error}"))?;
    if matches!(object.get("content"), Ok(None)) {
        // Clients take no result without content.
        let rest = object.raw().trim_start_matches('{').trim_start();
        let comma = if rest.starts_with('}') { "" } else { "," };
        return Ok(Verdict::Answer(format!(r#"{{"content":[]{comma}{rest}"#)));
    }
    checked(result.get().to_owned()).map(Verdict::Answer)
}

/// A result that clients can read.
fn checked(result: String) -> Result<String, String> {
    let object = Object::parse(&result).map_err(|error| format!("its result is none: {error}"))?;
    match object.get("content") {
        Ok(Some(content)) if content.starts_with('[') => Ok(result),
        _ => Err("its result has no `content`, which is a list".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn facts() -> CallFacts {
        CallFacts {
            id: 255,
            caller: "local".into(),
            client: Some("x/1".into()),
            is_stateless: false,
            server: "github".into(),
            name: "create".into(),
            called: "github__create".into(),
            arguments: r#"{"q":"a"}"#.to_owned(),
        }
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn both_ways_have_the_request() {
        let before = json(&own(&facts(), None));
        let call = json!({"id":"00000000000000ff","caller":"local","era":"handshake","client":"x/1","server":"github","tool":"create","name":"github__create"});
        let request =
            json!({"method":"tools/call","params":{"name":"create","arguments":{"q":"a"}}});
        assert_eq!(
            before,
            json!({"version":1,"when":"before","call":call,"request":request})
        );
        let after = json(&own(
            &facts(),
            Some(r#"{"error":{"code":1,"message":"x"}}"#),
        ));
        assert_eq!(
            after,
            json!({"version":1,"when":"after","call":call,"request":request,"response":{"error":{"code":1,"message":"x"}}})
        );
    }

    #[test]
    fn dockers_have_what_they_expect() {
        let before = json(&dockers(&facts(), None));
        assert_eq!(
            before["params"],
            json!({"name":"github__create","arguments":{"q":"a"}})
        );
        assert_eq!(
            dockers(&facts(), Some(r#"{"result":{"content":[]}}"#)),
            r#"{"content":[]}"#
        );
        let error = json(&dockers(&facts(), Some(r#"{"error":{"code":1}}"#)));
        assert_eq!(error["isError"], true);
    }

    #[test]
    fn verdicts_are_read() {
        for (said, is_after, verdict) in [
            ("", false, Verdict::Allow),
            (" \n", true, Verdict::Allow),
            (r#"{"decision":"allow"}"#, false, Verdict::Allow),
            (
                r#"{"decision":"refuse","reason":"no"}"#,
                false,
                Verdict::Refuse("no".into()),
            ),
            (
                r#"{"decision":"rewrite","arguments":{"a":1}}"#,
                false,
                Verdict::Rewrite(r#"{"a":1}"#.into()),
            ),
            (
                r#"{"decision":"answer","result":{"content":[]}}"#,
                false,
                Verdict::Answer(r#"{"content":[]}"#.into()),
            ),
            (
                r#"{"decision":"rewrite","result":{"content":[]}}"#,
                true,
                Verdict::Answer(r#"{"content":[]}"#.into()),
            ),
        ] {
            assert_eq!(
                own_said(said.as_bytes(), is_after).as_ref(),
                Ok(&verdict),
                "{said}"
            );
        }
        for (said, is_after, why) in [
            ("nonsense", false, "schemas/interceptor.schema.json"),
            ("{}", false, "missing field `decision`"),
            (
                r#"{"decision":"maybe"}"#,
                false,
                "there are allow, refuse, rewrite and answer",
            ),
            (r#"{"decision":"rewrite"}"#, false, "needs `arguments`"),
            (
                r#"{"decision":"rewrite","arguments":[1]}"#,
                false,
                "needs `arguments`",
            ),
            (
                r#"{"decision":"rewrite","arguments":{}}"#,
                true,
                "needs `result`",
            ),
            (
                r#"{"decision":"answer","result":{}}"#,
                false,
                "has no `content`",
            ),
            (
                r#"{"decision":"allow","reasn":"x"}"#,
                false,
                "unknown field `reasn`",
            ),
        ] {
            let error = own_said(said.as_bytes(), is_after).unwrap_err();
            assert!(error.contains(why), "{said}: {error}");
        }
    }

    #[test]
    fn dockers_verdicts_are_read() {
        assert_eq!(dockers_said(b"\n"), Ok(Verdict::Allow));
        let answer = |said: &str| dockers_said(said.as_bytes());
        assert_eq!(
            answer("{}"),
            Ok(Verdict::Answer(r#"{"content":[]}"#.into()))
        );
        assert_eq!(
            answer(r#"{ "isError":true}"#),
            Ok(Verdict::Answer(r#"{"content":[],"isError":true}"#.into()))
        );
        assert_eq!(
            answer(r#"{"content":[1]}"#),
            Ok(Verdict::Answer(r#"{"content":[1]}"#.into()))
        );
        for bad in ["hello", "[]", "1", r#"{"content":null}"#] {
            assert!(answer(bad).is_err(), "{bad}");
        }
    }
}
