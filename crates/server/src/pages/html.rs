//! What a page looks like, as text: one form, or one note. No script, and nothing from elsewhere. Owns the headers that keep a
//! browser from keeping, framing or sending any of it. Texts of catalogs are strangers': they are escaped, shortened, and
//! freed of characters that cannot be seen.

use std::fmt::Write as _;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gateway::{Away, Field, Page};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::limits::PAGE_TEXT_CHARS_MAX;

const STYLE: &str = include_str!("style.css");

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The name of the input for a field.
pub(super) fn input_name(at: usize) -> String {
    format!("value-{at}")
}

/// The form. `trouble`: why it was not kept; `wrong`: fields that are not as they must be, and why.
pub(super) fn form(
    status: StatusCode,
    page: &Page,
    trouble: Option<&str>,
    wrong: &[(usize, String)],
) -> Response<Body> {
    let name = clean(page.title.as_deref().unwrap_or(&page.server));
    let title = format!("Credentials for {name}");
    let mut body = format!(
        "<h1>{title}</h1>\n<p>An agent wants to use the server <code>{}</code>, known from {}. It does not work without what is asked for here.</p>\n",
        clean(&page.server),
        clean(&page.origin),
    );
    if let Some(why) = trouble {
        let _infallible = writeln!(
            body,
            "<p class=\"bad\" role=\"alert\">It could not be saved: {}</p>",
            clean(why)
        );
    }
    body.push_str("<form method=\"post\" autocomplete=\"off\">\n");
    // Where to begin: at what is wrong, else at the first.
    let focus = wrong.first().map_or(0, |(at, _)| *at);
    for (at, field) in page.fields.iter().enumerate() {
        let why = wrong.iter().find(|(wrong, _)| *wrong == at);
        input(
            &mut body,
            at,
            field,
            why.map(|(_, why)| &**why),
            at == focus,
        );
    }
    let _infallible = write!(
        body,
        "<p class=\"kept\">Kept in {}. Neither the agent nor its application gets to see it. A value of several lines is set on the command line: <code>portolan secret set NAME &lt; FILE</code></p>\n\
         <div class=\"deeds\"><button name=\"do\" value=\"save\">Save</button> <button name=\"do\" value=\"refuse\" class=\"quiet\" formnovalidate>I do not want to</button></div>\n</form>\n",
        clean(&page.kept_in)
    );
    whole(status, &title, &body)
}

/// A page that leads to a sign-in. The link is followed by hand: where it leads stands beside it.
pub(super) fn way(page: &Page, way: &Away) -> Response<Body> {
    let name = clean(page.title.as_deref().unwrap_or(&page.server));
    let title = format!("Sign in for {name}");
    let mut body = format!(
        "<h1>{title}</h1>\n<p>An agent wants to use the server <code>{}</code>, known from {}. It wants you to sign in at <code>{}</code>.</p>\n",
        clean(&page.server),
        clean(&page.origin),
        clean(&way.issuer),
    );
    if !way.scopes.is_empty() {
        let scopes = way.scopes.iter();
        let scopes: Vec<String> = scopes
            .map(|scope| format!("<code>{}</code>", clean(scope)))
            .collect();
        let _infallible = writeln!(body, "<p>It asks for: {}.</p>", scopes.join(", "));
    }
    if let Some(holder) = &page.holder {
        let _infallible = writeln!(
            body,
            "<p><strong>The account is that of the caller <code>{}</code> from then on</strong>: whoever has the token of this caller acts with it. Go on only if that is you.</p>",
            clean(holder)
        );
    }
    let _infallible = write!(
        body,
        "<p class=\"deeds\"><a class=\"deed\" href=\"{}\" rel=\"noreferrer\">Go on to sign in</a></p>\n\
         <p class=\"kept\">The gateway keeps what comes of it, encrypted. Neither the agent nor its application gets to see it. If you did not expect this, close the page.</p>\n",
        escaped(&way.url),
    );
    whole(StatusCode::OK, &title, &body)
}

/// A page that says one thing.
pub(super) fn note(status: StatusCode, title: &str, text: &str) -> Response<Body> {
    let body = format!(
        "<h1>{}</h1>\n<p role=\"status\">{}</p>\n",
        clean(title),
        clean(text)
    );
    whole(status, &clean(title), &body)
}

fn input(out: &mut String, at: usize, field: &Field, wrong: Option<&str>, is_first: bool) {
    let id = input_name(at);
    let mut about: Vec<String> = Vec::new();
    about.extend(field.about.as_deref().map(clean));
    about.extend(
        field
            .example
            .as_deref()
            .map(|example| format!("It looks like <code>{}</code>", clean(example))),
    );
    about.extend(field.url.as_deref().filter(|url| is_link(url)).map(|url| {
        let url = clean(url);
        format!("<a href=\"{url}\" target=\"_blank\" rel=\"noopener noreferrer\">{url}</a>")
    }));
    let _infallible = write!(
        out,
        "<div class=\"field\"><label for=\"{id}\">{}</label>\n<p class=\"about\" id=\"{id}-about\">{}</p>\n",
        clean(&field.name),
        about.join("<br>")
    );
    if let Some(why) = wrong {
        let _infallible = writeln!(
            out,
            "<p class=\"bad\" id=\"{id}-wrong\" role=\"alert\">{}</p>",
            clean(why)
        );
    }
    let (invalid, described) = match wrong {
        Some(_) => (" aria-invalid=\"true\"", format!("{id}-about {id}-wrong")),
        None => ("", format!("{id}-about")),
    };
    let focus = if is_first { " autofocus" } else { "" };
    let _infallible = writeln!(
        out,
        "<input type=\"password\" id=\"{id}\" name=\"{id}\" required autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\" aria-describedby=\"{described}\"{invalid}{focus}></div>"
    );
}

fn whole(status: StatusCode, title: &str, body: &str) -> Response<Body> {
    let nonce = nonce();
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Portolan</title>\n<style nonce=\"{nonce}\">\n{STYLE}</style>\n</head>\n\
         <body><main>\n<p class=\"mark\">Portolan, on this machine</p>\n{body}</main></body>\n</html>\n"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    headers(response.headers_mut(), &nonce);
    response
}

fn headers(headers: &mut HeaderMap, nonce: &str) {
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    // Of the alphabet of base64, so that it fits.
    let policy = HeaderValue::from_str(&policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        // Stricter ones would have browsers send the form without saying where it comes from.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (OPENER, "same-origin"),
        (RESOURCE, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Without randomness the page has no style, which is all that it costs.
fn nonce() -> String {
    let mut bytes = [0; 18];
    match getrandom::fill(&mut bytes) {
        Ok(()) => STANDARD_NO_PAD.encode(bytes),
        Err(_) => "none".to_owned(),
    }
}

fn is_link(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| url.scheme() == "https")
}

/// A text as it can stand in a page.
fn clean(text: &str) -> String {
    let mut out = String::new();
    for c in text
        .chars()
        .filter(|c| !is_hidden(*c))
        .take(PAGE_TEXT_CHARS_MAX)
    {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A whole address, as it can stand in one. It was parsed, so nothing hides in it.
fn escaped(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '<' => out.push_str("&lt;"),
            c => out.push(c),
        }
    }
    out
}

/// Controls, marks of direction, and what takes no room.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_are_text() {
        assert_eq!(
            clean("a<b>&\"'\n\u{202e}x\u{200b}\u{e0041}"),
            "a&lt;b&gt;&amp;&quot;&#39;x"
        );
        assert_eq!(
            clean(&"é".repeat(9999)).chars().count(),
            PAGE_TEXT_CHARS_MAX
        );
    }

    #[test]
    fn only_https_is_a_link() {
        for (url, is) in [
            ("https://h.example/x", true),
            ("http://h.example/", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("/x", false),
        ] {
            assert_eq!(is_link(url), is, "{url}");
        }
    }
}
