//! What a server says when it refuses: `WWW-Authenticate` with the scheme `Bearer` (RFC 9110, RFC 6750, RFC 9728).

use crate::Scopes;
use crate::limits::CHALLENGE_BYTES_MAX;

/// See the module. A server that says nothing has the empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where it describes itself.
    pub resource_metadata: Option<String>,
    /// What is needed for what was asked.
    pub scopes: Scopes,
    /// What is wrong with the token.
    pub error: Option<String>,
}

impl Challenge {
    /// Reads the values of all `WWW-Authenticate` fields; the first challenge of the scheme counts.
    pub fn read<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let found = fields.into_iter().find_map(bearer);
        let mut challenge = Self::default();
        for (name, value) in found.unwrap_or_default() {
            match name.as_str() {
                "resource_metadata" => challenge.resource_metadata = Some(value),
                "scope" => challenge.scopes = Scopes::parse(&value),
                "error" => challenge.error = Some(value),
                _ => {}
            }
        }
        challenge
    }

    /// Whether it was the rights of the token that did not suffice.
    pub fn wants_more(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

/// The parameters of the first `Bearer` challenge in a field, names in lower case.
fn bearer(field: &str) -> Option<Vec<(String, String)>> {
    let mut rest = field.get(..CHALLENGE_BYTES_MAX).unwrap_or(field);
    let mut found = None::<Vec<(String, String)>>;
    while let Some((word, after)) = token(rest.trim_start_matches([' ', '\t', ','])) {
        let equals = after.trim_start();
        match equals.strip_prefix('=').filter(|_| !after.is_empty()) {
            Some(value) => {
                let (value, after) = value_of(value.trim_start());
                if let Some(found) = &mut found {
                    found.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            // A word without a value is the next scheme.
            None if found.is_some() => return found,
            None => {
                if word.eq_ignore_ascii_case("bearer") {
                    found = Some(Vec::new());
                }
                rest = after;
            }
        }
    }
    found
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A value and what comes after it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bearer_challenge_counts() {
        let one = Challenge::read([
            r#"Basic realm="x, scope=\"no\"", Bearer realm="mcp", error="insufficient_scope", scope="a b",  resource_metadata = "https://h/.well-known/x", DPoP algs="ES256""#,
        ]);
        assert_eq!(one.scopes.to_string(), "a b");
        assert_eq!(
            one.resource_metadata.as_deref(),
            Some("https://h/.well-known/x")
        );
        assert!(one.wants_more());
        let two = Challenge::read(["Negotiate", "bearer scope=read"]);
        assert_eq!(two.scopes.to_string(), "read");
    }

    #[test]
    fn nonsense_is_no_challenge() {
        for field in [
            "",
            "Basic realm=\"x\"",
            "=,=",
            "Bearer",
            "Bearer scope",
            "Bearer scope=\"",
            "\u{e9}",
            ",,,",
        ] {
            assert_eq!(Challenge::read([field]), Challenge::default(), "{field}");
        }
        let long = format!("Bearer a=\"{}\", scope=x", "y".repeat(CHALLENGE_BYTES_MAX));
        assert_eq!(Challenge::read([&*long]), Challenge::default());
    }
}
