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
