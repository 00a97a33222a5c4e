//! Servers that are named by their image alone: `docker://IMAGE` in the place of a server's name. Owns what they are called
//! and what entry they are, wherever they are named. Refuses to guess what they need: such a server has no network, no folder
//! and no credentials; what the image says of itself describes it and nothing else.

use std::borrow::Cow;
use std::convert::Infallible;
use std::time::Duration;

use catalog::{Entry, Launch, ServerName};

use crate::surroundings::Surroundings;

const SCHEME: &str = "docker://";

/// The image, if a name is one.
pub(crate) fn image(name: &str) -> Option<&str> {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    let image = name.trim().strip_prefix(SCHEME)?;
    (!image.is_empty() && !image.starts_with('-') && image.chars().all(is_plain)).then_some(image)
}

/// A server as `--servers` names it. Docker's flag takes images as they are, and no name of a server has a slash.
pub(crate) fn named(word: &str) -> Result<String, Infallible> {
    Ok(match word.contains('/') && !word.contains("://") {
        true => format!("{SCHEME}{}", word.trim()),
        false => word.to_owned(),
    })
}

/// A tool as `--tools` names it, where the server may be called by its image.
pub(crate) fn tool(word: &str) -> Result<String, Infallible> {
    let Some((server, tool)) = word.rsplit_once(':').filter(|(left, _)| left.contains('/')) else {
        return Ok(word.to_owned());
    };
    let Ok(server) = named(server);
    Ok(format!("{}:{tool}", called(&server)))
}

/// What a server of this name is called: of an image, its last part without tag and digest.
pub(crate) fn called(name: &str) -> Cow<'_, str> {
    match image(name).map(ServerName::of_image) {
        None => name.trim().into(),
        Some(Some(name)) => name.to_string().into(),
        Some(None) => "image".into(),
    }
}

/// The entry of an image, described by its label if it is here and an engine says so within that time.
pub(crate) fn entry(name: &str, asks: Option<(&Surroundings, Duration)>) -> Option<Entry> {
    let image = image(name)?;
    let launch = Launch::Container {
        image: image.to_owned(),
        command: Vec::new(),
        env: Vec::new(),
        user: None,
        extra_hosts: Vec::new(),
        is_writable: false,
    };
    let mut entry = Entry::new(ServerName::new(&called(name)).ok()?, launch);
    #[cfg(target_os = "linux")]
    if let Some((here, wait)) = asks
        && let Some(label) = crate::containers::metadata(here, image, wait)
    {
        catalog::describe(&mut entry, &label);
    }
    let _ = asks;
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_called_as_its_last_part() {
        for (name, is) in [
            ("docker://acme/time", "time"),
            (" docker://127.0.0.1:5000/acme/time:1 ", "time"),
            ("docker://time@sha256:aa", "time"),
            (
                "docker://ghcr.io/a/mcp_server.x:1@sha256:aa",
                "mcp_server.x",
            ),
            ("docker://", "docker://"),
            (" time ", "time"),
        ] {
            assert_eq!(called(name), is, "{name}");
        }
        for (word, is) in [
            ("acme/time:1", "docker://acme/time:1"),
            ("docker://acme/time", "docker://acme/time"),
            ("time", "time"),
        ] {
            assert_eq!(named(word).unwrap(), is);
        }
        for (word, is) in [
            ("127.0.0.1:5000/acme/time:1:now", "time:now"),
            ("docker://acme/time:*", "time:*"),
            ("time:now", "time:now"),
            ("now", "now"),
        ] {
            assert_eq!(tool(word).unwrap(), is);
        }
        let entry = entry("docker://acme/time:1", None).unwrap();
        assert_eq!(entry.name.as_str(), "time");
        assert!(matches!(&entry.launch, Launch::Container { image, .. } if image == "acme/time:1"));
        for bad in [
            "docker://",
            "docker://-x",
            "docker://a b",
            "docker://a\u{7}",
            "time",
        ] {
            assert!(super::entry(bad, None).is_none(), "{bad}");
        }
    }
}
