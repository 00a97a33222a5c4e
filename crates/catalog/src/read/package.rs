//! `npm:@scope/name@1.2.3`: how our own files write a package. Owns the one line; the launcher owns the rest.

use crate::Registry;

/// A package as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) registry: Registry,
    pub(super) identifier: String,
    pub(super) version: Option<String>,
}

/// Takes it apart; `None`: it is none.
pub(super) fn parse(text: &str) -> Option<Written> {
    let (registry, rest) = text.split_once(':')?;
    let registry = match registry {
        "npm" => Registry::Npm,
        "pypi" => Registry::Pypi,
        "mcpb" => Registry::Mcpb,
        _ => return None,
    };
    let at = match registry {
        // In a URL `@` means something else.
        Registry::Mcpb => None,
        _ => rest
            .char_indices()
            .rev()
            .find(|(at, c)| *at > 0 && *c == '@')
            .map(|(at, _)| at),
    };
    let (identifier, version) = match at {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let is_word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    let is_named = is_word(identifier) && !identifier.starts_with('-');
    (is_named && version.is_none_or(is_word)).then(|| Written {
        registry,
        identifier: identifier.to_owned(),
        version: version.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_versions() {
        let read = |text| {
            parse(text).map(|w| {
                (
                    w.registry.as_str(),
                    w.identifier,
                    w.version.unwrap_or_default(),
                )
            })
        };
        let some = |a, b: &str, c: &str| Some((a, b.to_owned(), c.to_owned()));
        assert_eq!(
            read("npm:@scope/name@1.2"),
            some("npm", "@scope/name", "1.2")
        );
        assert_eq!(read("npm:@scope/name"), some("npm", "@scope/name", ""));
        assert_eq!(
            read("pypi:mcp-server-time"),
            some("pypi", "mcp-server-time", "")
        );
        assert_eq!(
            read("mcpb:https://u@h/x.mcpb"),
            some("mcpb", "https://u@h/x.mcpb", "")
        );
        for bad in ["npm:", "name", "gem:x", "npm:a b", "npm:--x", "npm:a@"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
