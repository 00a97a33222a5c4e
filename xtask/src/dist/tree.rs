//! Files by their paths, as every package holds them, and the tar that they become: sorted, owned by root, of one time.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::{Compression, GzBuilder};

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Folder(u32),
    File { mode: u32, content: Vec<u8> },
}

/// Relative paths, without `.` and `..`; the folders above a file are there by themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    pub(super) fn file(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        let (mode, content) = (0o644, content.into());
        self.put(path, Node::File { mode, content });
    }

    pub(super) fn program(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        let (mode, content) = (0o755, content.into());
        self.put(path, Node::File { mode, content });
    }

    pub(super) fn folder(&mut self, path: &str, mode: u32) {
        self.put(path, Node::Folder(mode));
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The files alone, for packages that know no folders.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, u32, &[u8])> {
        self.nodes().filter_map(|(path, node)| match node {
            Node::File { mode, content } => Some((path, *mode, content.as_slice())),
            Node::Folder(_) => None,
        })
    }

    fn put(&mut self, path: &str, node: Node) {
        for (at, _) in path.match_indices('/') {
            let above = self.nodes.entry(path[..at].to_owned());
            above.or_insert(Node::Folder(0o755));
        }
        self.nodes.insert(path.to_owned(), node);
    }

    /// As a tar whose names begin with `prefix`.
    pub(super) fn tar(&self, prefix: &str, epoch: u64) -> Result<Vec<u8>, String> {
        let mut tar = Vec::new();
        if prefix.ends_with("./") {
            tar.extend(header(prefix, &Node::Folder(0o755), epoch)?);
        }
        for (path, node) in self.nodes() {
            let end = if matches!(node, Node::Folder(_)) {
                "/"
            } else {
                ""
            };
            tar.extend(header(&format!("{prefix}{path}{end}"), node, epoch)?);
            if let Node::File { content, .. } = node {
                tar.extend(content);
                tar.resize(tar.len().next_multiple_of(512), 0);
            }
        }
        tar.extend([0; 1024]);
        Ok(tar)
    }

    /// The same, packed.
    pub(super) fn tar_gz(&self, prefix: &str, epoch: u64) -> Result<Vec<u8>, String> {
        gz(&self.tar(prefix, epoch)?)
    }
}

/// Without a name and a time of its own.
pub(super) fn gz(content: &[u8]) -> Result<Vec<u8>, String> {
    let mut packer = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::new(6));
    packer
        .write_all(content)
        .and_then(|()| packer.finish())
        .map_err(|error| format!("cannot be packed: {error}"))
}

/// One block of the ustar format.
fn header(name: &str, node: &Node, epoch: u64) -> Result<[u8; 512], String> {
    let (kind, mode, size) = match node {
        Node::Folder(mode) => (b'5', *mode, 0),
        Node::File { mode, content } => (b'0', *mode, content.len()),
    };
    let mut block = [0; 512];
    let mut put = |at: usize, field: &[u8], room: usize| {
        if field.len() > room {
            return Err(format!("`{name}` is too long, or too large, for a tar"));
        }
        block[at..at + field.len()].copy_from_slice(field);
        Ok(())
    };
    let (above, last) = split(name);
    put(0, last.as_bytes(), 100)?;
    put(345, above.as_bytes(), 155)?;
    put(100, format!("{mode:07o}").as_bytes(), 7)?;
    put(108, b"0000000", 7)?;
    put(116, b"0000000", 7)?;
    put(124, format!("{size:011o}").as_bytes(), 11)?;
    put(136, format!("{epoch:011o}").as_bytes(), 11)?;
    put(148, b"        ", 8)?;
    put(156, &[kind], 1)?;
    put(257, b"ustar\x0000", 8)?;
    put(265, b"root", 32)?;
    put(297, b"root", 32)?;
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// A long name in its two fields, if a slash is in the right place.
fn split(name: &str) -> (&str, &str) {
    if name.len() <= 100 {
        return ("", name);
    }
    let at = name
        .match_indices('/')
        .map(|(at, _)| at)
        .find(|at| name.len() - at - 1 <= 100);
    at.map_or(("", name), |at| (&name[..at], &name[at + 1..]))
}
