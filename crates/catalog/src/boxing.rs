//! What a server that runs here may reach: the network and the machine. Owns what can be said, not how it is kept.

/// What of the network a server may reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Network {
    /// Nobody said: the default of its kind.
    #[default]
    Unsaid,
    /// Nothing.
    None,
    /// These hosts, `host`, `host:port` or `*.host`. May hold templates.
    Hosts(Vec<String>),
    /// Everything.
    Open,
}

impl Network {
    /// One word: `default`, `none`, `hosts` or `open`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unsaid => "default",
            Self::None => "none",
            Self::Hosts(_) => "hosts",
            Self::Open => "open",
        }
    }
}

/// How much of the machine a server may use; `None`: the launcher's own limits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Resources {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Processors, also parts of one.
    pub cpus: Option<f32>,
    /// Processes and threads.
    pub pids: Option<u32>,
}

/// Reads a size as people write it: `512m`, `2g`, `1.5GiB`, or bytes.
pub fn size_in_bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.trim_end_matches('b').trim_end_matches('i');
    let (digits, shift) = match lower.as_bytes().last()? {
        b'k' => (&lower[..lower.len() - 1], 10),
        b'm' => (&lower[..lower.len() - 1], 20),
        b'g' => (&lower[..lower.len() - 1], 30),
        _ => (lower, 0),
    };
    let number: f64 = digits.trim().parse().ok()?;
    let bytes = number * f64::from(1_u32 << shift);
    (bytes.is_finite() && bytes >= 1.0).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("512m", Some(512 << 20)),
            ("2Gb", Some(2 << 30)),
            ("1.5GiB", Some(3 << 29)),
            ("1024", Some(1024)),
            ("4 k", Some(4096)),
            ("0", None),
            ("-1g", None),
            ("inf", None),
            ("g", None),
            ("", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(size_in_bytes(text), bytes, "{text}");
        }
    }
}
