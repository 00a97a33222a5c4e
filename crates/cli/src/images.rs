//! Servers that are named by their image alone: `docker://IMAGE` in the place of a server's name. Owns what they are called
//! and what entry they are. Refuses to guess what they need: such a server has no network, no folder and no credentials.

use std::borrow::Cow;

use catalog::{Entry, Launch, Layer, ServerName};

const SCHEME: &str = "docker://";

/// The image, if a name is one.
pub(crate) fn image(name: &str) -> Option<&str> {
    name.trim().strip_prefix(SCHEME).filter(|image| {
        !image.is_empty() && !image.starts_with('-') && !image.contains(char::is_whitespace)
    })
}

/// What a server of this name is called: of an image, its last part without tag and digest.
pub(crate) fn called(name: &str) -> Cow<'_, str> {
    let Some(image) = image(name) else {
        return name.trim().into();
    };
    let last = image.rsplit('/').next().unwrap_or(image);
    let bare = last.split(['@', ':']).next().unwrap_or(last);
    match ServerName::repaired(bare) {
        Some(name) => name.to_string().into(),
        None => "image".into(),
    }
}

/// The entry of an image; `source` is where it was named.
pub(crate) fn entry(name: &str, source: &str) -> Option<Entry> {
    let launch = Launch::Container {
        image: image(name)?.to_owned(),
        command: Vec::new(),
        env: Vec::new(),
        user: None,
        extra_hosts: Vec::new(),
        is_writable: false,
    };
    Some(Entry {
        source: source.to_owned(),
        layer: Layer::Flag,
        ..Entry::new(ServerName::new(&called(name)).ok()?, launch)
    })
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
        let entry = entry("docker://acme/time:1", "--servers").unwrap();
        assert_eq!(entry.name.as_str(), "time");
        assert!(matches!(&entry.launch, Launch::Container { image, .. } if image == "acme/time:1"));
        for bad in ["docker://", "docker://-x", "docker://a b", "time"] {
            assert!(super::entry(bad, "").is_none(), "{bad}");
        }
    }
}
