//! What registries hand out to whoever asks without an account.

use serde::Deserialize;

/// `WWW-Authenticate: Bearer realm="…",service="…"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) realm: String,
    pub(super) service: Option<String>,
}

impl Challenge {
    /// `None` where it is no bearer's.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service) = (None, None);
        loop {
            let (name, value) = rest.split_once("=\"")?;
            let (value, after) = value.split_once('"')?;
            match name.trim_matches([' ', ',']) {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                _ => {}
            }
            rest = after;
            if rest.trim_matches([' ', ',']).is_empty() {
                return Some(Self {
                    realm: realm?,
                    service,
                });
            }
        }
    }
}

/// Whether what is wanted is a name and a password.
pub(super) fn is_basic(challenge: &str) -> bool {
    let scheme = challenge.trim().split(' ').next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

/// The token of an answer, if it can stand in a header.
pub(super) fn read(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        token: Option<String>,
        access_token: Option<String>,
    }
    let said: Said = serde_json::from_slice(body).ok()?;
    let token = said.token.or(said.access_token)?;
    (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_or_passed_over() {
        let parsed = Challenge::parse(
            r#"Bearer realm="https://a.example/t",service="r",scope="repository:a/b:pull""#,
        );
        let wanted = Challenge {
            realm: "https://a.example/t".to_owned(),
            service: Some("r".to_owned()),
        };
        assert_eq!(parsed, Some(wanted));
        for bad in [
            "",
            "Bearer",
            "Basic realm=\"x\"",
            "Bearer realm=x",
            "Bearer service=\"x\"",
            "Bearer realm=\"x",
        ] {
            assert_eq!(Challenge::parse(bad), None, "{bad}");
        }
        assert_eq!(read(b"{\"access_token\":\"t\"}").as_deref(), Some("t"));
        for bad in [
            &b"{}"[..],
            b"x",
            b"{\"token\":\"a b\"}",
            b"{\"token\":\"\"}",
        ] {
            assert_eq!(read(bad), None);
        }
    }
}
