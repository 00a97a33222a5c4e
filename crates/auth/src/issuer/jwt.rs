//! A JSON web token as it is written (RFC 7515, RFC 7519): its head, what it says, and what is signed of it. Owns what may be
//! read before its signature is known to be good: only what tells it from a token of somebody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Unfit;
use super::keys::Algorithm;
use crate::limits::TOKEN_BYTES_MAX;

/// See the module.
#[derive(Debug)]
pub(super) struct Jwt<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) key: Option<String>,
    pub(super) claims: Claims,
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
}

/// What it says, as far as we have to know.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    #[serde(default, deserialize_with = "one_or_several")]
    pub(super) aud: Vec<String>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) exp: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) nbf: Option<u64>,
    /// RFC 9068 has them so, …
    #[serde(default)]
    pub(super) scope: Option<String>,
    /// … and others so, as a text or a list.
    #[serde(default, deserialize_with = "one_or_several")]
    pub(super) scp: Vec<String>,
    /// It is good only together with a key that its holder proves to have.
    pub(super) cnf: Option<Value>,
    /// Only tokens that tell a client who signed in have these.
    pub(super) at_hash: Option<Value>,
    pub(super) c_hash: Option<Value>,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// What whoever reads it has to understand: we know none.
    crit: Option<Value>,
}

impl<'t> Jwt<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, Unfit> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Unfit::Form);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Unfit::Form)?;
        let (head, claims) = signed.split_once('.').ok_or(Unfit::Form)?;
        let head: Head = read(head)?;
        let algorithm = Algorithm::parse(&head.alg).ok_or(Unfit::Algorithm)?;
        let kind = head.typ.as_deref().map(str::to_ascii_lowercase);
        let kind = kind
            .as_deref()
            .map(|kind| kind.trim_start_matches("application/"));
        if !matches!(kind, None | Some("jwt" | "at+jwt")) || head.crit.is_some() {
            return Err(Unfit::Kind);
        }
        let claims: Claims = read(claims)?;
        if claims.at_hash.is_some() || claims.c_hash.is_some() {
            return Err(Unfit::Kind);
        }
        Ok(Self {
            algorithm,
            key: head.kid,
            claims,
            signed: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| Unfit::Form)?,
        })
    }
}

/// Base64 of JSON. A member of ours that stands twice is refused by its reader.
fn read<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Unfit> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Unfit::Form)?;
    serde_json::from_slice(&bytes).map_err(|_| Unfit::Form)
}

fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Option::<Either>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Either::One(one)) => vec![one],
        Some(Either::Several(several)) => several,
    })
}

/// Seconds since 1970, which may have a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let whole = number.as_u64().or_else(|| {
        let seconds = number
            .as_f64()
            .filter(|seconds| (0.0..1e15).contains(seconds))?;
        Some(seconds as u64)
    });
    whole.map(Some).ok_or_else(|| D::Error::custom("no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str, claims: &str) -> Result<String, Unfit> {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.{}", part(head), part(claims), part("x"));
        Jwt::parse(&token).map(|jwt| format!("{:?}", jwt.claims))
    }

    #[test]
    fn what_is_no_access_token_is_refused_unread() {
        let fine = r#"{"alg":"ES256"}"#;
        assert!(parse(fine, "{}").is_ok());
        assert!(parse(r#"{"alg":"ES256","typ":"at+jwt","x":1}"#, "{}").is_ok());
        assert!(parse(r#"{"alg":"ES256","typ":"application/AT+JWT"}"#, "{}").is_ok());
        for (head, claims, unfit) in [
            (r#"{"alg":"none"}"#, "{}", Unfit::Algorithm),
            (r#"{"alg":"HS256"}"#, "{}", Unfit::Algorithm),
            (r#"{}"#, "{}", Unfit::Form),
            (r#"{"alg":"ES256","alg":"RS256"}"#, "{}", Unfit::Form),
            (r#"{"alg":"ES256","typ":"dpop+jwt"}"#, "{}", Unfit::Kind),
            (r#"{"alg":"ES256","typ":"logout+jwt"}"#, "{}", Unfit::Kind),
            (r#"{"alg":"ES256","crit":["exp"]}"#, "{}", Unfit::Kind),
            (fine, r#"{"at_hash":"x"}"#, Unfit::Kind),
            (fine, r#"{"sub":"a","sub":"b"}"#, Unfit::Form),
            (fine, r#"{"aud":[1]}"#, Unfit::Form),
            (fine, r#"{"exp":-1}"#, Unfit::Form),
            (fine, r#"{"exp":"9"}"#, Unfit::Form),
            (fine, "[]", Unfit::Form),
        ] {
            assert_eq!(parse(head, claims).unwrap_err(), unfit, "{head} {claims}");
        }
        for token in [
            "",
            "x",
            "a.b",
            "a.b.c",
            "..",
            "e30.e30.",
            "e30.e30.!",
            "e30.e30.e30.e30",
        ] {
            assert!(Jwt::parse(token).is_err(), "{token}");
        }
        let long = format!("e30.{}.e30", "A".repeat(TOKEN_BYTES_MAX));
        assert_eq!(Jwt::parse(&long).unwrap_err(), Unfit::Form);
    }

    #[test]
    fn lists_and_times_as_issuers_write_them() {
        let said = parse(
            r#"{"alg":"ES256"}"#,
            r#"{"aud":"a","scp":["r","w"],"exp":17.9,"nbf":null}"#,
        )
        .unwrap();
        assert!(
            said.contains(r#"aud: ["a"], exp: Some(17), nbf: None"#),
            "{said}"
        );
        assert!(said.contains(r#"scp: ["r", "w"]"#), "{said}");
    }

    #[test]
    fn any_text_is_read_or_refused() {
        for token in ["\u{e9}.\u{e9}.\u{e9}", "\0.\0.\0", &".".repeat(9_999)] {
            assert!(Jwt::parse(token).is_err());
        }
    }
}
