//! The token endpoint (RFC 6749): one form, one answer. Owns how a client shows who it is, what an answer must have, and what
//! an error says. Everything in a form or an answer is wiped when it goes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fetch::{Client, Sending, Trust};
use secrets::Secret;
use serde::{Deserialize, Deserializer};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use crate::error::said;
use crate::register::{Method, Registered};
use crate::{AuthError, Scopes};

/// What was given.
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) life_s: Option<u64>,
    /// What it is good for, if that is said.
    pub(crate) scopes: Option<Scopes>,
}

/// Asks for tokens by these parameters.
pub(crate) async fn tokens(
    http: &Client,
    (endpoint, trust): (&str, Trust),
    client: &Registered,
    doing: &'static str,
    parameters: &[(&str, &str)],
) -> Result<Tokens, AuthError> {
    let (status, body) = post(http, (endpoint, trust), client, parameters).await?;
    if !matches!(status, 200..=299) {
        return Err(refused(doing, status, &body));
    }
    read(doing, &body)
}

/// Sends a form as a client.
pub(crate) async fn post(
    http: &Client,
    (endpoint, trust): (&str, Trust),
    client: &Registered,
    parameters: &[(&str, &str)],
) -> Result<(u16, Zeroizing<Vec<u8>>), AuthError> {
    let (body, authorization) = form(client, parameters);
    let sending = Sending {
        media_type: "application/x-www-form-urlencoded",
        body: body.as_bytes(),
        authorization: authorization.as_ref().map(|text| text.as_str()),
    };
    let reply = http.post(endpoint, trust, &sending).await?;
    Ok((reply.status, Zeroizing::new(reply.body)))
}

/// The form, and what is sent as `Authorization`.
fn form(
    client: &Registered,
    parameters: &[(&str, &str)],
) -> (Zeroizing<String>, Option<Zeroizing<String>>) {
    let mut form = Serializer::new(String::with_capacity(8 << 10));
    form.extend_pairs(parameters);
    let secret = client.secret.as_ref().map(Secret::reveal);
    let authorization = match (client.method, secret) {
        (Method::ClientSecretBasic, Some(secret)) => Some(basic(&client.id, secret)),
        (method, secret) => {
            form.append_pair("client_id", &client.id);
            if let (Method::ClientSecretPost, Some(secret)) = (method, secret) {
                form.append_pair("client_secret", secret);
            }
            None
        }
    };
    (Zeroizing::new(form.finish()), authorization)
}

/// RFC 6749, 2.3.1: both parts are encoded as in a form first.
fn basic(id: &str, secret: &str) -> Zeroizing<String> {
    let mut pair = Zeroizing::new(String::with_capacity(3 * (id.len() + secret.len()) + 1));
    pair.extend(byte_serialize(id.as_bytes()));
    pair.push(':');
    pair.extend(byte_serialize(secret.as_bytes()));
    let mut header = Zeroizing::new(String::with_capacity(pair.len() * 2 + 8));
    header.push_str("Basic ");
    STANDARD.encode_string(pair.as_bytes(), &mut header);
    header
}

/// What an error of an authorization server says.
pub(crate) fn refused(doing: &'static str, status: u16, body: &[u8]) -> AuthError {
    let error: Failure = serde_json::from_slice(body).unwrap_or_default();
    let code = said(&error.error.unwrap_or_default());
    let words = match (code.is_empty(), error.error_description) {
        (true, _) => format!("status {status}"),
        (false, None) => code.clone(),
        (false, Some(more)) => format!("{code}, {}", said(&more)),
    };
    AuthError::Refused {
        doing,
        code,
        said: words,
    }
}

fn read(doing: &'static str, body: &[u8]) -> Result<Tokens, AuthError> {
    let unusable = |why: String| AuthError::Answer { doing, why };
    // Some answer an error with a status that means success.
    let failure: Failure = serde_json::from_slice(body).unwrap_or_default();
    if failure.error.is_some() {
        return Err(refused(doing, 200, body));
    }
    // What serde says of a wrong value would show it.
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| unusable("it is no JSON object with an access_token".to_owned()))?;
    if !answer.token_type.eq_ignore_ascii_case("bearer") {
        let kind = said(&answer.token_type);
        return Err(unusable(format!(
            "its token is of the type {kind:?}, not Bearer"
        )));
    }
    let secret = |text: &Zeroizing<String>| {
        let is_sent = text.bytes().all(|b| matches!(b, 0x21..=0x7e));
        let secret = Secret::new(text).map_err(|error| unusable(error.to_string()))?;
        match is_sent {
            true => Ok(secret),
            false => Err(unusable(
                "its token has characters that no token has".to_owned(),
            )),
        }
    };
    let refresh = answer.refresh_token.filter(|text| !text.is_empty());
    Ok(Tokens {
        access: secret(&answer.access_token)?,
        refresh: refresh.as_ref().map(secret).transpose()?,
        life_s: answer.expires_in,
        scopes: answer.scope.as_deref().map(Scopes::parse),
    })
}

#[derive(Deserialize)]
struct Answer {
    access_token: Zeroizing<String>,
    #[serde(default = "bearer")]
    token_type: String,
    refresh_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    scope: Option<String>,
}

fn bearer() -> String {
    "Bearer".to_owned()
}

#[derive(Default, Deserialize)]
struct Failure {
    error: Option<String>,
    error_description: Option<String>,
}

/// Some write numbers as text, and some a number that is none. What is no number of seconds says nothing.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        match read("give a token", body.as_bytes()) {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn answers_as_servers_give_them() {
        let tokens = read("x", br#"{"access_token":"a","token_type":"bearer","expires_in":"60","refresh_token":"","scope":"r w","x":[1]}"#).unwrap();
        assert_eq!((tokens.access.reveal(), tokens.life_s), ("a", Some(60)));
        assert!(tokens.refresh.is_none() && tokens.scopes.unwrap().has("w"));
        for life in ["-1", "1.5", "null", "\"soon\"", "[]"] {
            let body = format!(r#"{{"access_token":"a","expires_in":{life}}}"#);
            assert_eq!(read("x", body.as_bytes()).unwrap().life_s, None, "{life}");
        }
    }

    #[test]
    fn errors_never_show_a_token() {
        for (body, says) in [
            (
                r#"{"error":"bad_verification_code","error_description":"old\u001b"}"#,
                "refuses give a token: bad_verification_code, old",
            ),
            (
                "<html>hunter2</html>",
                "no JSON object with an access_token",
            ),
            (
                r#"{"access_token":["hunter2"]}"#,
                "no JSON object with an access_token",
            ),
            (
                r#"{"access_token":"hunter2","token_type":"mac"}"#,
                r#"of the type "mac""#,
            ),
            (
                r#"{"access_token":"hunter2 x"}"#,
                "characters that no token has",
            ),
            (
                r#"{"access_token":"hunter2\r\nx"}"#,
                "characters that no token has",
            ),
            (r#"{"access_token":""}"#, "the value is empty"),
        ] {
            let error = error(body);
            assert!(
                error.contains(says) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }

    #[test]
    fn both_parts_of_basic_are_encoded() {
        assert_eq!(
            *basic("a:b", "c d"),
            format!("Basic {}", STANDARD.encode("a%3Ab:c+d"))
        );
    }
}
