//! An outcome in words.

use super::{CallRecord, Failure, Outcome};
use crate::text::cut;

/// Calls that are named one by one.
const CALLS_NAMED: usize = 20;

pub(super) fn of(outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    match (&outcome.error, &outcome.kept) {
        (Some(failure), _) => {
            parts.push(of_failure(failure));
            if !outcome.calls.is_empty() {
                parts.push(format!(
                    "calls already made (do not repeat those that changed something):\n{}",
                    of_calls(&outcome.calls)
                ));
            }
        }
        (None, Some(kept)) => parts.push(format!(
            "the result has {} bytes and is kept as {}: {}\nshape: {}\nstart: {}",
            kept.bytes, kept.kept, kept.read, kept.shape, kept.start
        )),
        (None, None) => parts.push(outcome.result.get().to_owned()),
    }
    if !outcome.logs.is_empty() {
        parts.push(format!("log:\n{}", outcome.logs.join("\n")));
    }
    if outcome.error.is_none() && !outcome.calls.is_empty() {
        parts.push(summary(&outcome.calls));
    }
    parts.join("\n\n")
}

fn of_failure(failure: &Failure) -> String {
    let mut text = failure.message.clone();
    match (failure.line, failure.column) {
        (Some(line), Some(column)) => text.push_str(&format!(" (line {line}, column {column})")),
        (Some(line), None) => text.push_str(&format!(" (line {line})")),
        (None, _) => {}
    }
    if let (Some(line), Some(source)) = (failure.line, &failure.source) {
        text.push_str(&format!("\n{line:>5} | {source}"));
    }
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("\nhint: {hint}"));
    }
    text
}

fn of_calls(calls: &[CallRecord]) -> String {
    let mut lines: Vec<String> = calls
        .iter()
        .take(CALLS_NAMED)
        .map(|call| match &call.error {
            None => format!("- {}: ok", call.tool),
            Some(error) => format!("- {}: {}", call.tool, cut(error.replace('\n', " "), 200)),
        })
        .collect();
    if calls.len() > CALLS_NAMED {
        lines.push(format!("- and {} more", calls.len() - CALLS_NAMED));
    }
    lines.join("\n")
}

fn summary(calls: &[CallRecord]) -> String {
    let failed = calls.iter().filter(|call| !call.ok).count();
    let count = if calls.len() == 1 {
        "1 call".into()
    } else {
        format!("{} calls", calls.len())
    };
    if failed == 0 {
        format!("({count})")
    } else {
        format!("({count}, {failed} failed)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::super::FailureKind;
    use super::*;

    fn call(tool: &str, error: Option<&str>) -> CallRecord {
        CallRecord {
            tool: tool.into(),
            ms: 1.5,
            ok: error.is_none(),
            bytes: 10,
            error: error.map(Into::into),
        }
    }

    #[test]
    fn a_result_comes_first() {
        let outcome = Outcome {
            ok: true,
            result: RawValue::from_string("{\"n\":1}".into()).unwrap(),
            logs: vec!["hello".into()],
            calls: vec![call("a.b", None), call("a.b", Some("gone"))],
            error: None,
            kept: None,
        };
        assert_eq!(
            outcome.text(),
            "{\"n\":1}\n\nlog:\nhello\n\n(2 calls, 1 failed)"
        );
        assert_eq!(
            outcome.structured().get(),
            r#"{"ok":true,"result":{"n":1},"logs":["hello"],"calls":[{"tool":"a.b","ms":1.5,"ok":true,"bytes":10},{"tool":"a.b","ms":1.5,"ok":false,"bytes":10,"error":"gone"}]}"#
        );
    }

    #[test]
    fn a_failure_says_where_and_what_was_done_before() {
        let mut failure = Failure::new(FailureKind::Thrown, "TypeError: no");
        failure.line = Some(3);
        failure.column = Some(7);
        failure.source = Some("a.b.c()".into());
        failure.hint = Some("do this".into());
        let mut outcome = Outcome::failed(failure);
        outcome.calls = vec![call("a.b", None)];
        assert_eq!(
            outcome.text(),
            "TypeError: no (line 3, column 7)\n    3 | a.b.c()\nhint: do this\n\ncalls already made (do not repeat those that changed something):\n- a.b: ok"
        );
    }
}
