//! The credentials that a server was given, found again in what it says: in answers, errors, notifications, questions and on
//! stderr. Owns which values of an entry are credentials; how they are found is `secrets`' matter. Servers that were given
//! none pay nothing.

use std::borrow::Cow;
use std::sync::OnceLock;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use catalog::{Entry, Launch};
use secrets::{MaskError, Masker, Secret};
use serde_json::Value;
use url::Url;

/// See the module.
#[derive(Default)]
pub(crate) struct Secrecy {
    /// Until the first message of the server.
    known: Vec<Secret>,
    masker: OnceLock<Result<Masker, MaskError>>,
    /// The tokens with which it was signed in to last, and how they are found.
    tokens: ArcSwapOption<(Vec<Secret>, Masker)>,
}

/// Words in the names of variables whose values are credentials.
const NAMES: [&str; 13] = [
    "APIKEY",
    "AUTH",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "DSN",
    "KEY",
    "PASS",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "SECRET",
    "TOKEN",
];
/// Headers whose values are none.
const HARMLESS: [&str; 5] = [
    "accept",
    "accept-language",
    "content-type",
    "user-agent",
    "mcp-protocol-version",
];

impl Secrecy {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            known: known(entry),
            masker: OnceLock::new(),
            tokens: ArcSwapOption::empty(),
        }
    }

    /// It is shown this token from now on. The one before may still be in what it says.
    pub(crate) fn learn(&self, token: &Secret) {
        let mut tokens = vec![token.clone()];
        let before = self.tokens.load_full();
        tokens.extend(before.and_then(|before| before.0.first().cloned()));
        if let Ok(masker) = Masker::new(&tokens) {
            self.tokens.store(Some((tokens, masker).into()));
        }
    }

    /// Whether what it was given can be found again; else nothing that it says may be passed on.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self) -> Result<(), MaskError> {
        match self.known.is_empty() {
            true => Ok(()),
            false => self.masker().map(|_| ()),
        }
    }

    fn masker(&self) -> Result<&Masker, MaskError> {
        let made = self.masker.get_or_init(|| Masker::new(&self.known));
        made.as_ref().map_err(|error| *error)
    }

    /// The masker, if there is anything to mask.
    fn active(&self) -> Option<&Masker> {
        if self.known.is_empty() {
            return None;
        }
        // A server whose values cannot be masked was not started.
        self.masker().ok().filter(|masker| !masker.is_empty())
    }

    /// A message of the server without them; the same bytes where there are none.
    pub(crate) fn mask(&self, message: Bytes) -> Bytes {
        let message = match self.active() {
            Some(masker) => masked(masker, message),
            None => message,
        };
        match &*self.tokens.load() {
            Some(tokens) => masked(&tokens.1, message),
            None => message,
        }
    }

    /// Lines of the server without them; a value may stand on several.
    pub(crate) fn mask_lines(&self, lines: Vec<String>) -> Vec<String> {
        let Some(masker) = self.active() else {
            return lines;
        };
        let text = lines.join("\n");
        match masker.mask(&text) {
            Cow::Borrowed(_) => lines,
            Cow::Owned(masked) => masked.split('\n').map(str::to_owned).collect(),
        }
    }

    /// A text of the server without them.
    pub(crate) fn mask_text(&self, text: String) -> String {
        let text = match self.active().map(|masker| masker.mask(&text).into_owned()) {
            Some(masked) => masked,
            None => text,
        };
        match &*self.tokens.load() {
            Some(tokens) => tokens.1.mask(&text).into_owned(),
            None => text,
        }
    }
}

/// A message without what a masker knows; the same bytes where there is none of it.
fn masked(masker: &Masker, message: Bytes) -> Bytes {
    let masked = match masker.mask_bytes(&message) {
        Cow::Borrowed(_) => return message,
        Cow::Owned(masked) => masked,
    };
    match serde_json::from_slice::<serde::de::IgnoredAny>(&masked) {
        Ok(_) => masked.into(),
        // It stood where JSON has no text: as a number, or across the end of one.
        Err(_) => in_texts(masker, &message).unwrap_or_else(|| masked.into()),
    }
}

/// Value by value. Written anew, so members may be spaced otherwise than they were.
fn in_texts(masker: &Masker, message: &[u8]) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(message).ok()?;
    clean(masker, &mut value);
    serde_json::to_vec(&value).ok().map(Bytes::from)
}

/// Goes down once per level; the reader has bounded the depth.
fn clean(masker: &Masker, value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = masker.mask(text) {
                *text = masked;
            }
        }
        Value::Number(number) => {
            if let Cow::Owned(masked) = masker.mask(&number.to_string()) {
                *value = Value::String(masked);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| clean(masker, item)),
        Value::Object(members) => {
            let cleaned = std::mem::take(members)
                .into_iter()
                .map(|(name, mut value)| {
                    clean(masker, &mut value);
                    (masker.mask(&name).into_owned(), value)
                });
            *members = cleaned.collect();
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// The values of an entry that are credentials: those that its catalog says are, those of variables and headers that are
/// called so, and what hides in addresses. Those shorter than the masker's least are left out: see `docs/guide/secrets.md`.
fn known(entry: &Entry) -> Vec<Secret> {
    let mut texts: Vec<String> = Vec::new();
    let is_declared = |name: &str| entry.about.secrets.iter().any(|spec| spec.env == name);
    match &entry.launch {
        Launch::Command { env, .. }
        | Launch::Container { env, .. }
        | Launch::OneShot { env, .. }
        | Launch::Package { env, .. } => {
            for (name, value) in env {
                // A path is where a credential lies, not one.
                let is_path = value.starts_with(['/', '~', '.']);
                if is_declared(name) || (is_named(name) && !is_path) {
                    texts.push(value.clone());
                }
                texts.extend(hidden_in(value));
            }
        }
        Launch::Remote { url, headers, .. } => {
            let telling = |name: &str| !HARMLESS.iter().any(|one| name.eq_ignore_ascii_case(one));
            for (_, value) in headers.iter().filter(|(name, _)| telling(name)) {
                // `Bearer` and its like stay readable where they stand alone.
                let last = value.rsplit(' ').next().unwrap_or(value);
                texts.extend([value.clone(), last.to_owned()]);
            }
            texts.extend(hidden_in(url));
            if let Ok(url) = Url::parse(url) {
                texts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
            }
        }
        Launch::Unavailable { .. } => {}
    }
    let secrets = texts.iter().filter_map(|text| Secret::new(text).ok());
    secrets.filter(Masker::covers).collect()
}

/// The password in an address.
fn hidden_in(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let password = url.password()?;
    let decoded = percent(password);
    (!decoded.is_empty()).then_some(decoded)
}

/// Without the escapes of an address.
fn percent(text: &str) -> String {
    let query = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes())
        .next()
        .map_or_else(|| text.to_owned(), |(_, value)| value.into_owned())
}

/// Whether a variable is called as those of credentials are.
pub(crate) fn is_named(name: &str) -> bool {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.map(str::to_ascii_uppercase).any(|word| {
        NAMES
            .iter()
            .any(|one| word == *one || word.ends_with("APIKEY") || word.ends_with("TOKEN"))
    })
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    fn command(env: &[(&str, &str)]) -> Secrecy {
        let mut entry = Entry::command(ServerName::new("a").unwrap(), "x", [""; 0]);
        if let Launch::Command { env: own, .. } = &mut entry.launch {
            *own = env
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
        }
        Secrecy::of(&entry)
    }

    fn masked(secrecy: &Secrecy, text: &str) -> String {
        let bytes = secrecy.mask(Bytes::copy_from_slice(text.as_bytes()));
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn credentials_are_known_by_their_names() {
        for name in [
            "TOKEN",
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "db-password",
            "MY_PAT",
            "ACCESSTOKEN",
        ] {
            let secrecy = command(&[(name, "hunter2-hunter2")]);
            assert_eq!(
                masked(&secrecy, r#"{"x":"hunter2-hunter2"}"#),
                r#"{"x":"***"}"#,
                "{name}"
            );
        }
        for (name, value) in [
            ("HOME", "/home/somebody"),
            ("KEYBOARD", "hunter2-hunter2"),
            ("AUTHOR", "hunter2-hunter2"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json"),
            ("TOKEN", "short"),
        ] {
            let secrecy = command(&[(name, value)]);
            let text = format!(r#"{{"x":"{value}"}}"#);
            assert_eq!(masked(&secrecy, &text), text, "{name}");
        }
        let address = command(&[("DATABASE_URL", "postgres://me:hunter2%2Fhunter2@db/x")]);
        assert_eq!(masked(&address, r#""hunter2/hunter2""#), r#""***""#);
    }

    #[test]
    fn headers_and_addresses_of_remote_servers_hide_some() {
        let mut entry = Entry::remote(
            ServerName::new("a").unwrap(),
            "https://h/mcp?api=hunter2-query",
        );
        if let Launch::Remote { headers, .. } = &mut entry.launch {
            headers.push(("Authorization".into(), "Bearer hunter2-token".into()));
            headers.push(("User-Agent".into(), "not-a-secret".into()));
        }
        let secrecy = Secrecy::of(&entry);
        assert_eq!(
            masked(&secrecy, r#""hunter2-token hunter2-query not-a-secret""#),
            r#""*** *** not-a-secret""#
        );
    }

    #[test]
    fn what_was_valid_stays_valid() {
        let number = command(&[("TOKEN", "12345678")]);
        assert_eq!(
            masked(&number, r#"{"id":1,"n":12345678,"s":"a12345678"}"#),
            r#"{"id":1,"n":"***","s":"a***"}"#
        );
        let quote = command(&[("TOKEN", r#"","admin":"#)]);
        let text = r#"{"a":"","admin":true}"#;
        assert!(serde_json::from_str::<Value>(&masked(&quote, text)).is_ok());
        // Nothing in it: the very bytes.
        let plain = Bytes::from_static(b"{ \"a\" : 1.0 }");
        assert_eq!(number.mask(plain.clone()).as_ptr(), plain.as_ptr());
    }

    #[test]
    fn values_of_several_lines_are_found_on_them() {
        let secrecy = command(&[("PRIVATE_KEY", "first line\nsecond line")]);
        let lines = ["x", "first line", "second line", "y"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(secrecy.mask_lines(lines), ["x", "***", "y"]);
        assert_eq!(
            masked(&secrecy, r#"{"k":"first line\nsecond line"}"#),
            r#"{"k":"***"}"#
        );
    }

    #[test]
    fn what_cannot_be_masked_is_told() {
        let long: Vec<(String, String)> = (0..100)
            .map(|n| (format!("TOKEN_{n}"), format!("{n}\"").repeat(20_000)))
            .collect();
        let env: Vec<(&str, &str)> = long.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert!(command(&env).check().is_err());
        assert!(command(&[]).check().is_ok());
    }
}
