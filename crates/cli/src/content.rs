//! The result of a tool, for people: text as it is, everything else named.

use wire::{Object, elements};

/// The text of a result. What cannot be read is shown as JSON: nothing is swallowed.
pub(crate) fn human(result: &str) -> String {
    let Ok(object) = Object::parse(result) else {
        return result.to_owned();
    };
    let blocks = object
        .get("content")
        .ok()
        .flatten()
        .and_then(|raw| elements(raw).ok())
        .unwrap_or_default();
    let mut parts: Vec<String> = blocks.into_iter().map(block).collect();
    if parts.is_empty() {
        let rest = object
            .get("structuredContent")
            .ok()
            .flatten()
            .unwrap_or(result);
        parts.push(pretty(rest));
    }
    parts.join("\n")
}

/// Whether the tool says that it failed.
pub(crate) fn is_error(result: &str) -> bool {
    Object::parse(result)
        .ok()
        .and_then(|o| o.bool("isError").ok().flatten())
        .unwrap_or(false)
}

fn block(raw: &str) -> String {
    let Ok(object) = Object::parse(raw) else {
        return pretty(raw);
    };
    let text = |o: &Object<'_>, name: &str| {
        o.string(name)
            .ok()
            .flatten()
            .map(std::borrow::Cow::into_owned)
    };
    let mime = |o: &Object<'_>| text(o, "mimeType").unwrap_or_else(|| "unknown type".into());
    match text(&object, "type").as_deref() {
        Some("text") => text(&object, "text").unwrap_or_default(),
        Some(kind @ ("image" | "audio")) => {
            let size = object
                .get("data")
                .ok()
                .flatten()
                .map_or(0, |data| data.len().saturating_sub(2) / 4 * 3);
            format!("[{kind}: {}, {}]", mime(&object), bytes(size))
        }
        Some("resource_link") => {
            let name = text(&object, "name").unwrap_or_default();
            format!(
                "[resource: {name} {}]",
                text(&object, "uri").unwrap_or_default()
            )
        }
        Some("resource") => match object.object("resource") {
            Ok(Some(inner)) => text(&inner, "text").unwrap_or_else(|| {
                format!(
                    "[resource: {}, {}]",
                    text(&inner, "uri").unwrap_or_default(),
                    mime(&inner)
                )
            }),
            _ => pretty(raw),
        },
        _ => pretty(raw),
    }
}

fn pretty(raw: &str) -> String {
    let text = crate::format::render(raw, crate::format::Format::Json);
    text.map_or_else(|_| raw.to_owned(), |t| t.trim_end().to_owned())
}

/// A size for people.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_text_or_named() {
        let result = r#"{"content":[{"type":"text","text":"a\nb"},{"type":"image","mimeType":"image/png","data":"AAAAAAAA"},
            {"type":"resource_link","name":"n","uri":"file:///x"},{"type":"resource","resource":{"uri":"u","text":"inside"}},
            {"type":"resource","resource":{"uri":"u","blob":"AA==","mimeType":"a/b"}},{"type":"new","x":1}],"isError":true}"#;
        assert_eq!(
            human(result),
            "a\nb\n[image: image/png, 6 B]\n[resource: n file:///x]\ninside\n[resource: u, a/b]\n{\n  \"type\": \"new\",\n  \"x\": 1\n}"
        );
        assert!(is_error(result));
        assert!(!is_error("{}"));
    }

    #[test]
    fn structure_stands_in_for_missing_text() {
        assert_eq!(
            human(r#"{"content":[],"structuredContent":{"a":1}}"#),
            "{\n  \"a\": 1\n}"
        );
        assert_eq!(human("7"), "7");
    }
}
