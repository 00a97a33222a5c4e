//! Archives as layers of images are: entry after entry, from a stream.
//!
//! Owns the format: headers of ustar, the records of pax, long names of GNU. Refuses what is broken, what is sparse, and
//! names and records longer than any are. Knows nothing of files: what an entry may do is `unpack`'s to say.

use std::io::{self, Read};

use crate::limits::{TAR_NAME_BYTES_MAX, TAR_RECORDS_BYTES_MAX};

const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file, whose bytes follow.
    File,
    /// Another name of a file.
    HardLink,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
    /// A device or a pipe.
    Device,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// As it is written.
    pub name: Vec<u8>,
    /// Where a link leads.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permissions, with the special bits.
    pub mode: u32,
    /// How many bytes follow.
    pub size: u64,
}

/// An archive, read once.
pub struct Archive<R> {
    from: R,
    /// What is left of the entry that was given out, and of its padding.
    left: u64,
    padding: u64,
}

/// What came before an entry and is about it.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: Read> Archive<R> {
    /// Nothing is read yet.
    pub fn new(from: R) -> Self {
        Self {
            from,
            left: 0,
            padding: 0,
        }
    }

    /// The next entry; what was not read of the one before is passed over. `None` at the end.
    ///
    /// # Errors
    /// Reading fails, or it is no archive.
    pub fn next_entry(&mut self) -> io::Result<Option<Header>> {
        let mut said = Said::default();
        // Each of these comes before the entry that it is about, and none needs more than a few.
        for _ in 0..16 {
            self.pass()?;
            let mut block = [0; BLOCK];
            if !self.block(&mut block)? {
                return Ok(None);
            }
            if block.iter().all(|byte| *byte == 0) {
                // The end is two of these, and after it there is nothing that counts.
                return Ok(None);
            }
            let sum = number(&block[148..156])?;
            let counted: u64 = block
                .iter()
                .enumerate()
                .map(|(at, byte)| match at {
                    148..156 => u64::from(b' '),
                    _ => u64::from(*byte),
                })
                .sum();
            if sum != counted {
                return Err(broken("a header's sum is wrong"));
            }
            let size = number(&block[124..136])?;
            let kind = block[156];
            match kind {
                b'x' => {
                    let records = self.content(size, TAR_RECORDS_BYTES_MAX)?;
                    said.read(&records)?;
                }
                b'g' => {
                    self.begin(size);
                }
                b'L' => said.name = Some(self.name(size)?),
                b'K' => said.link = Some(self.name(size)?),
                kind => {
                    let kind = match kind {
                        b'0' | b'\0' | b'7' => Kind::File,
                        b'1' => Kind::HardLink,
                        b'2' => Kind::Link,
                        b'3' | b'4' | b'6' => Kind::Device,
                        b'5' => Kind::Folder,
                        other => {
                            let what = format!(
                                "it has an entry of the kind {other:#x}, which layers do not have"
                            );
                            return Err(broken(&what));
                        }
                    };
                    let size = match kind {
                        Kind::File => said.size.unwrap_or(size),
                        // Some state the size of what they lead to.
                        _ => 0,
                    };
                    self.begin(size);
                    let header = Header {
                        name: said.name.unwrap_or_else(|| name_of(&block)),
                        link: said.link.unwrap_or_else(|| text(&block[157..257]).to_vec()),
                        kind,
                        mode: u32::try_from(number(&block[100..108])? & 0o7777).unwrap_or(0),
                        size,
                    };
                    return Ok(Some(header));
                }
            }
        }
        Err(broken("too much is said about one entry"))
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// All of a short content.
    fn content(&mut self, size: u64, most: usize) -> io::Result<Vec<u8>> {
        if size > most as u64 {
            return Err(broken("a name or record in it is longer than any is"));
        }
        self.begin(size);
        let mut out = Vec::new();
        self.read_to_end(&mut out)?;
        if out.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(out)
    }

    fn name(&mut self, size: u64) -> io::Result<Vec<u8>> {
        Ok(text(&self.content(size, TAR_NAME_BYTES_MAX)?).to_vec())
    }

    /// Passes over what nobody has read.
    fn pass(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.left) + std::mem::take(&mut self.padding);
        let passed = io::copy(&mut (&mut self.from).take(rest), &mut io::sink())?;
        match passed == rest {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// False at the end.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut at = 0;
        while at < BLOCK {
            match self.from.read(&mut block[at..]) {
                Ok(0) if at == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => at += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// The bytes of the entry that was given out last.
impl<R: Read> Read for Archive<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(out.len(), |left| left.min(out.len()));
        if most == 0 {
            return Ok(0);
        }
        let read = self.from.read(&mut out[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Said {
    /// Records of pax: `LENGTH KEY=VALUE\n`.
    fn read(&mut self, records: &[u8]) -> io::Result<()> {
        let wrong = || broken("a record about an entry makes no sense");
        let mut rest = records;
        while !rest.is_empty() {
            let space = rest
                .iter()
                .position(|byte| *byte == b' ')
                .ok_or_else(wrong)?;
            let length = std::str::from_utf8(&rest[..space])
                .ok()
                .and_then(|digits| digits.parse::<usize>().ok());
            let length = length
                .filter(|length| *length > space + 1 && *length <= rest.len())
                .ok_or_else(wrong)?;
            let (record, after) = rest.split_at(length);
            let record = record[space + 1..].strip_suffix(b"\n").ok_or_else(wrong)?;
            let equals = record
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or_else(wrong)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.name = Some(short(value)?),
                b"linkpath" => self.link = Some(short(value)?),
                b"size" => {
                    let size = std::str::from_utf8(value)
                        .ok()
                        .and_then(|digits| digits.parse().ok());
                    self.size = Some(size.ok_or_else(wrong)?);
                }
                key if key.starts_with(b"GNU.sparse") => {
                    return Err(broken("it has a sparse file, which layers do not have"));
                }
                _ => {}
            }
            rest = after;
        }
        Ok(())
    }
}

fn short(value: &[u8]) -> io::Result<Vec<u8>> {
    match value.len() <= TAR_NAME_BYTES_MAX {
        true => Ok(value.to_vec()),
        false => Err(broken("a name or record in it is longer than any is")),
    }
}

/// Octal digits, or a number of 64 bits where the first bit says so.
fn number(field: &[u8]) -> io::Result<u64> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        let too_large = || broken("a number in a header is too large");
        return rest
            .iter()
            .try_fold(u64::from(first & 0x7f), |number, byte| {
                let shifted = number.checked_mul(256).ok_or_else(too_large)?;
                Ok(shifted | u64::from(*byte))
            });
    }
    let digits: &[u8] = text(field).trim_ascii();
    digits.iter().try_fold(0u64, |number, byte| match byte {
        b'0'..=b'7' if number < 1 << 60 => Ok(number * 8 + u64::from(byte - b'0')),
        _ => Err(broken("a number in a header is none")),
    })
}

fn name_of(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = text(&block[..100]);
    // Only so is there another part of it.
    let prefix = match &block[257..263] == b"ustar\0" {
        true => text(&block[345..500]),
        false => b"",
    };
    match prefix.is_empty() {
        true => name.to_vec(),
        false => [prefix, b"/", name].concat(),
    }
}

fn text(field: &[u8]) -> &[u8] {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    &field[..end]
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
