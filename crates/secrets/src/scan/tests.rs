//! Every rule finds what it is for; and what is harmless is left alone, which is harder.

use proptest::prelude::*;

use super::*;

fn found(text: &str, depth: Depth) -> Vec<(&'static str, String)> {
    let findings = scan(text.as_bytes(), depth);
    let shown = |finding: &Finding| text[finding.at.clone()].to_owned();
    findings
        .iter()
        .map(|finding| (finding.rule, shown(finding)))
        .collect()
}

#[test]
fn every_rule_finds_its_own_alone_and_in_json() {
    for rule in &SCANNER.rules {
        for prefix in &rule.prefixes {
            let token = rule.sample(prefix);
            for text in [
                token.clone(),
                format!("x {token} y"),
                format!(r#"{{"text":"a\n{token}\",b"}}"#),
                format!("KEY={token}\n"),
                format!("'{token}'"),
            ] {
                let found = found(&text, Depth::Sure);
                assert_eq!(found.len(), 1, "{} in {text}: {found:?}", rule.name);
                assert_eq!(found[0].1, token, "{}", rule.name);
            }
        }
    }
    assert!(SCANNER.rules.len() > 65);
}

#[test]
fn names_of_rules_are_unique() {
    let mut names: Vec<_> = rules().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAtX0uUxDYn2pSK3rHq9oKkAAv\nQ1sYBq0aZb3n9mWm0xgk1B3yqPp0b1oXhQeFvZ5D\n-----END RSA PRIVATE KEY-----";

#[test]
fn private_keys_are_found_whole() {
    let escaped = KEY.replace('\n', "\\n");
    for text in [
        KEY.to_owned(),
        escaped.clone(),
        format!(r#"{{"k":"{escaped}\n"}}"#),
    ] {
        let found = found(&text, Depth::Sure);
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].1.starts_with("-----BEGIN RSA") && found[0].1.ends_with("KEY-----"));
    }
    // Cut off in the middle, even of an escape.
    let cut = &escaped[..escaped.len() - 40];
    for text in [cut.to_owned(), format!("{cut}\\"), format!("\"{cut}\"")] {
        let found = found(&text, Depth::Sure);
        assert_eq!(found.len(), 1, "{text}");
        assert!(!found[0].1.ends_with('\\'));
    }
    for harmless in [
        "-----BEGIN PUBLIC KEY-----\nMIIEowIBAAKCAQEAtX0uUxDYn2pSK3rHq9oKkAAv\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEAtX0uUxDYn2pSK3rHq9oKkAAv",
        "files that begin with -----BEGIN PRIVATE KEY----- are keys",
    ] {
        assert!(found(harmless, Depth::Guess).is_empty(), "{harmless}");
    }
}

#[test]
fn jwts_are_found() {
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    assert_eq!(
        found(&format!("a {jwt}."), Depth::Sure),
        [("jwt", jwt.to_owned())]
    );
    for harmless in [
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "xeyJhbGciOi.eyJ.x",
        "eyJ",
    ] {
        assert!(found(harmless, Depth::Guess).is_empty(), "{harmless}");
    }
}

#[test]
fn values_behind_telling_names_are_guessed() {
    for (text, value) in [
        (
            r#"{"api_key": "q8Zr1vWk3mXu7TyB5nLp"}"#,
            "q8Zr1vWk3mXu7TyB5nLp",
        ),
        (
            r#"{\"client_secret\":\"q8Zr1vWk3mXu7TyB5nLp\"}"#,
            "q8Zr1vWk3mXu7TyB5nLp",
        ),
        (
            "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY2kq9ZtLm3v",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCY2kq9ZtLm3v",
        ),
        ("DB_PASSWORD='c0rrect-h0rse-b4tt'", "c0rrect-h0rse-b4tt"),
        (
            "Authorization: Bearer 8fj3kd9Slq02mMxz71bQw",
            "8fj3kd9Slq02mMxz71bQw",
        ),
        ("Password: tr0ub4dor&3xYz.", "tr0ub4dor&3xYz"),
    ] {
        assert_eq!(
            found(text, Depth::Guess),
            [("named-value", value.to_owned())],
            "{text}"
        );
        assert!(found(text, Depth::Sure).is_empty(), "{text}");
    }
    assert_eq!(
        found("postgres://me:Xk29fLq0z@db.local:5432/x", Depth::Guess),
        [("url-password", "Xk29fLq0z".to_owned())]
    );
}

#[test]
fn what_is_harmless_is_left_alone() {
    for text in [
        "the password must have at least 12 characters",
        r#"{"password": "string", "api_key": {"type": "string"}}"#,
        "api_key=YOUR_API_KEY_GOES_HERE_1234",
        "api_key: ${API_KEY_FROM_ENVIRONMENT_1}",
        "password=$DB_PASSWORD_FROM_VAULT_12",
        "password: correct-horse-battery-staple",
        r#"{"access_token": "123e4567-e89b-12d3-a456-426614174000"}"#,
        r#"{"nextPageToken":"CAUQAA8fj3kd9Slq02mMxz71bQw==","cursor":"8fj3kd9Slq02mMxz71bQw8"}"#,
        "AKIAIOSFODNN7EXAMPLE and ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "task-sk-123456789012345678901234567890123456789012345678",
        "https://example.com:8080/a@b?c=d",
        "http://user:password@host/",
        "git@github.com:me/repo.git ssh://git@host:22/x",
        "npm_config_registry and npm_lifecycle_event and hf_hub_download",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit 3d08b7128f6f1a0c9a4a6ab1ee9b2a4c6a1f7a55 by me",
        "key-value store, dapi, r8_, sk-learn, SG.",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    ] {
        assert!(
            found(text, Depth::Guess).is_empty(),
            "{text}: {:?}",
            found(text, Depth::Guess)
        );
    }
}

#[test]
fn what_is_found_is_replaced_and_nothing_else() {
    let one = SCANNER.rules[0].sample(SCANNER.rules[0].prefixes[0]);
    let text = format!(r#"{{"a":"{one}","b":"x {one} y"}}"#);
    let masked = without(text.as_bytes(), &scan(text.as_bytes(), Depth::Guess));
    assert_eq!(masked, br#"{"a":"***","b":"x *** y"}"#);
}

#[test]
fn there_is_an_end_to_what_is_found() {
    let one = SCANNER.rules[0].sample(SCANNER.rules[0].prefixes[0]);
    let text = format!("{one} ").repeat(SCAN_FOUND_MAX + 5);
    assert_eq!(scan(text.as_bytes(), Depth::Sure).len(), SCAN_FOUND_MAX);
}

proptest! {
    #[test]
    fn findings_are_in_order_within_the_text_and_never_overlap(
        text in "([ -~é\\\\]{0,30}|-----BEGIN PRIVATE KEY-----|eyJ|password=|api_key\":\"|://a:|@|ghp_[a-zA-Z0-9]{36}){0,12}"
    ) {
        let findings = scan(text.as_bytes(), Depth::Guess);
        let mut done = 0;
        for finding in &findings {
            prop_assert!(finding.at.start >= done && finding.at.end > finding.at.start);
            done = finding.at.end;
        }
        prop_assert!(done <= text.len());
        let masked = without(text.as_bytes(), &findings);
        prop_assert!(String::from_utf8(masked).is_ok());
    }

    #[test]
    fn what_was_json_stays_json(text in "([ -~\\\\\n\"]{0,30}|-----BEGIN PRIVATE KEY-----\n[a-zA-Z0-9\n]{0,300}|password=[a-zA-Z0-9]{14}|api_key: [!-~]{30}|://a:[a-zA-Z0-9]{9}@){0,8}") {
        // As serde writes it: every byte may stand beside an escape.
        let json = format!("{{\"t\":{}}}", wire_quote(&text));
        let masked = without(json.as_bytes(), &scan(json.as_bytes(), Depth::Guess));
        prop_assert!(is_json_string_object(&masked), "{}", String::from_utf8_lossy(&masked));
    }
}

/// A JSON string of a text.
fn wire_quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether it is `{"t":"…"}` with nothing wrong in the string.
fn is_json_string_object(text: &[u8]) -> bool {
    let Some(inner) = text
        .strip_prefix(b"{\"t\":\"")
        .and_then(|rest| rest.strip_suffix(b"\"}"))
    else {
        return false;
    };
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' | b'\n' => return false,
            b'\\'
                if !bytes
                    .next()
                    .is_some_and(|next| b"\"\\nrtbf/".contains(next)) =>
            {
                return false;
            }
            _ => {}
        }
    }
    true
}
