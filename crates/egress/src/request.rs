//! The head of a request to a proxy (RFC 9110, 9.3.6 and RFC 9112, 3.2). Owns what is asked for and what is passed on.
//! Refuses whatever is not in the two forms that proxies get.

use crate::allow::Target;
use crate::limits::HEADERS_MAX;

/// What somebody wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) target: Target,
    /// What is written to the target first; `None` for a tunnel, which is answered instead.
    pub(crate) head: Option<Vec<u8>>,
}

/// Why it is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// No HTTP, or none for a proxy.
    Malformed,
    /// `https://` or another scheme in a request that is not a tunnel.
    Scheme,
}

/// Headers between two neighbours (RFC 9110, 7.6.1), and the one that is written anew.
const OURS: &[&str] = &[
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// Reads a head and what came behind it; `None`: there is more to come.
pub(crate) fn read(bytes: &[u8]) -> Option<Result<(Request, usize), Bad>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return None,
        Err(_) => return Some(Err(Bad::Malformed)),
    };
    Some(request(&parsed).map(|request| (request, length)))
}

fn request(parsed: &httparse::Request<'_, '_>) -> Result<Request, Bad> {
    let (Some(method), Some(path)) = (parsed.method, parsed.path) else {
        return Err(Bad::Malformed);
    };
    if method == "CONNECT" {
        let target = Target::parse(path, None).ok_or(Bad::Malformed)?;
        return Ok(Request { target, head: None });
    }
    let (scheme, rest) = path.split_once("://").ok_or(Bad::Malformed)?;
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(Bad::Scheme);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let target = Target::parse(authority, Some(80)).ok_or(Bad::Malformed)?;
    let slash = if rest.starts_with('/') { "" } else { "/" };
    // The host is the one that was checked, whatever the header said.
    let mut head = format!("{method} {slash}{rest} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    let named: Vec<&[u8]> = parsed
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("connection"))
        .flat_map(|header| header.value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    for header in parsed.headers.iter() {
        // How long a body is says the sender to whoever reads it: that cannot be taken away.
        let is_named = named.iter().any(|name| {
            name.eq_ignore_ascii_case(header.name.as_bytes())
                && !header.name.eq_ignore_ascii_case("content-length")
                && !header.name.eq_ignore_ascii_case("transfer-encoding")
        });
        if is_named
            || OURS
                .iter()
                .any(|ours| header.name.eq_ignore_ascii_case(ours))
        {
            continue;
        }
        head.extend_from_slice(header.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(header.value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    Ok(Request {
        target,
        head: Some(head),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Result<(String, Option<String>), Bad> {
        let (request, length) = read(text.as_bytes()).expect("a whole head")?;
        assert_eq!(length, text.len());
        let head = request.head.map(|head| String::from_utf8(head).unwrap());
        Ok((request.target.to_string(), head))
    }

    #[test]
    fn tunnels_name_a_host_and_a_port() {
        let asked = "CONNECT A.example:443 HTTP/1.1\r\nHost: other\r\n\r\n";
        assert_eq!(read_all(asked), Ok(("a.example:443".into(), None)));
        for odd in ["a.example", "http://a/", "*", "a:0", "/x"] {
            let asked = format!("CONNECT {odd} HTTP/1.1\r\n\r\n");
            assert_eq!(read_all(&asked), Err(Bad::Malformed), "{odd}");
        }
    }

    #[test]
    fn plain_requests_are_passed_on_for_the_host_that_was_checked() {
        let asked = "POST http://a.example:81/x?y HTTP/1.1\r\nHost: evil\r\nConnection: X-Hop, content-length\r\n\
                     X-Hop: 1\r\nX-End: 2\r\nProxy-Authorization: z\r\nContent-Length: 3\r\n\r\n";
        let (target, head) = read_all(asked).unwrap();
        assert_eq!(target, "a.example:81");
        assert_eq!(
            head.unwrap(),
            "POST /x?y HTTP/1.1\r\nHost: a.example:81\r\nX-End: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        );
        let (target, head) = read_all("GET HTTP://a.example?q HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!(target, "a.example:80");
        assert!(
            head.unwrap()
                .starts_with("GET /?q HTTP/1.1\r\nHost: a.example\r\n")
        );
    }

    #[test]
    fn what_no_proxy_gets_is_refused() {
        assert_eq!(read(b"GET http://a.ex"), None);
        for (asked, why) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Bad::Malformed),
            ("GET http://user@a/ HTTP/1.1\r\n\r\n", Bad::Malformed),
            ("GET http:///x HTTP/1.1\r\n\r\n", Bad::Malformed),
            ("GET https://a/ HTTP/1.1\r\n\r\n", Bad::Scheme),
            ("GET ftp://a/ HTTP/1.1\r\n\r\n", Bad::Scheme),
            ("\0\r\n\r\n", Bad::Malformed),
        ] {
            assert_eq!(read_all(asked), Err(why), "{asked}");
        }
        let many = "A: b\r\n".repeat(HEADERS_MAX + 1);
        assert_eq!(
            read_all(&format!("CONNECT a:1 HTTP/1.1\r\n{many}\r\n")),
            Err(Bad::Malformed)
        );
    }
}
