//! As much of the zip format as bundles are written in: the list of parts at its end, stored and deflated ones. Owns where a
//! part is and what it holds. Refuses what other readers could take otherwise: several lists, names that differ between the
//! list and the part, encryption, the extension for large archives.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::limits::{BUNDLE_LIST_BYTES_MAX, BUNDLE_PARTS_MAX};

/// The end of the list of parts: its mark, its length without a comment, and the longest comment.
const END_MARK: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: u64 = u16::MAX as u64;
/// One part in the list, and before its content.
const LISTED_MARK: [u8; 4] = *b"PK\x01\x02";
const LISTED_BYTES: usize = 46;
const LOCAL_MARK: [u8; 4] = *b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;

/// A part, as the list has it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    method: u16,
    crc: u32,
    packed: u32,
    size: u32,
    /// As Unix has it, with its kind; 0 where the archive was written elsewhere.
    mode: u32,
    at: u32,
}

impl Part {
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    pub(super) fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    pub(super) fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

/// The parts of an archive, in their order.
pub(super) fn list(file: &mut (impl Read + Seek)) -> Result<Vec<Part>, String> {
    let none = |error: io::Error| format!("it is no zip archive: {error}");
    let length = file.seek(SeekFrom::End(0)).map_err(none)?;
    let tail = length.min(END_BYTES as u64 + COMMENT_BYTES_MAX);
    let end = bytes(file, length - tail, tail as usize).map_err(none)?;
    let is_end = |at: &usize| {
        end[*at..].starts_with(&END_MARK)
            && at + END_BYTES + usize::from(u16_at(&end, at + 20)) == end.len()
    };
    let last = end
        .len()
        .checked_sub(END_BYTES)
        .ok_or("it is no zip archive: it is too short")?;
    let at = (0..=last)
        .rev()
        .find(is_end)
        .ok_or("it is no zip archive, or it is cut off")?;
    let (count, size, start) = (
        u16_at(&end, at + 10),
        u32_at(&end, at + 12),
        u32_at(&end, at + 16),
    );
    if count == u16::MAX || size == u32::MAX || start == u32::MAX || u32_at(&end, at + 4) != 0 {
        return Err("it is written in a form for larger archives".to_owned());
    }
    if usize::from(count) > BUNDLE_PARTS_MAX || size as usize > BUNDLE_LIST_BYTES_MAX {
        return Err(format!("it has more than {BUNDLE_PARTS_MAX} parts"));
    }
    if u64::from(start) + u64::from(size) != length - tail + at as u64 {
        return Err("its list of parts is not where it says".to_owned());
    }
    let list = bytes(file, start.into(), size as usize).map_err(none)?;
    let mut parts = Vec::with_capacity(count.into());
    let mut rest = &*list;
    for _ in 0..count {
        let (part, after) = listed(rest)?;
        parts.push(part);
        rest = after;
    }
    match rest.is_empty() {
        true => Ok(parts),
        false => Err("it lists more parts than it says".to_owned()),
    }
}

fn listed(list: &[u8]) -> Result<(Part, &[u8]), String> {
    let broken = || "its list of parts is broken".to_owned();
    if list.len() < LISTED_BYTES || !list.starts_with(&LISTED_MARK) {
        return Err(broken());
    }
    let (flags, name) = (u16_at(list, 8), usize::from(u16_at(list, 28)));
    let more = usize::from(u16_at(list, 30)) + usize::from(u16_at(list, 32));
    let after = list.get(LISTED_BYTES + name + more..).ok_or_else(broken)?;
    let name = std::str::from_utf8(&list[LISTED_BYTES..LISTED_BYTES + name])
        .map_err(|_| "a part of it has a name that is no UTF-8")?;
    if flags & 1 != 0 {
        return Err(format!("{name:?} in it is encrypted"));
    }
    let is_of_unix = matches!(list[5], 3 | 19);
    Ok((
        Part {
            name: name.to_owned(),
            method: u16_at(list, 10),
            crc: u32_at(list, 16),
            packed: u32_at(list, 20),
            size: u32_at(list, 24),
            mode: if is_of_unix {
                u32_at(list, 38) >> 16
            } else {
                0
            },
            at: u32_at(list, 42),
        },
        after,
    ))
}

/// What a part holds. Reading it to its end fails where that is not what the list says of it.
pub(super) fn content<'a, F: Read + Seek>(
    file: &'a mut F,
    part: &Part,
) -> Result<Content<'a>, String> {
    let broken = |error: io::Error| format!("{:?} in it: {error}", part.name);
    let head = bytes(file, part.at.into(), LOCAL_BYTES).map_err(broken)?;
    let name = usize::from(u16_at(&head, 26));
    let more = u64::from(u16_at(&head, 28));
    let own = bytes(file, u64::from(part.at) + LOCAL_BYTES as u64, name).map_err(broken)?;
    if !head.starts_with(&LOCAL_MARK) || own != part.name.as_bytes() {
        return Err(format!("{:?} in it is not where its list says", part.name));
    }
    let start = u64::from(part.at) + (LOCAL_BYTES + name) as u64 + more;
    file.seek(SeekFrom::Start(start)).map_err(broken)?;
    let packed = file.take(part.packed.into());
    let from: Box<dyn Read + 'a> = match part.method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        other => {
            return Err(format!(
                "{:?} in it is packed in a way that is not read: {other}",
                part.name
            ));
        }
    };
    Ok(Content {
        from,
        crc: Crc::new(),
        expected: (part.crc, part.size),
    })
}

/// See [`content`].
pub(super) struct Content<'a> {
    from: Box<dyn Read + 'a>,
    crc: Crc,
    expected: (u32, u32),
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && (self.crc.sum(), self.crc.amount()) != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its checksum is wrong",
            ));
        }
        Ok(read)
    }
}

fn bytes(file: &mut (impl Read + Seek), at: u64, count: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::with_capacity(count);
    file.take(count as u64).read_to_end(&mut bytes)?;
    match bytes.len() == count {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The callers have looked whether there are so many bytes.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

#[cfg(test)]
pub(crate) mod write {
    //! The other way around, for tests.

    use std::io::{Cursor, Write};

    use flate2::write::DeflateEncoder;
    use flate2::{Compression, Crc};

    /// An archive of such parts: name, mode and content.
    pub(crate) fn archive(parts: &[(&str, u32, &[u8])]) -> Cursor<Vec<u8>> {
        let (mut out, mut list) = (Vec::new(), Vec::new());
        for (name, mode, content) in parts {
            let mut crc = Crc::new();
            crc.update(content);
            let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
            packer.write_all(content).unwrap();
            let packed = packer.finish().unwrap();
            let at = out.len() as u32;
            let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
            for number in [crc.sum(), packed.len() as u32, content.len() as u32] {
                common.extend(number.to_le_bytes());
            }
            common.extend((name.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            out.extend(super::LOCAL_MARK);
            out.extend(&common);
            out.extend(name.as_bytes());
            out.extend(packed);
            list.extend(super::LISTED_MARK);
            list.extend([30, 3]);
            list.extend(&common);
            list.extend([0; 6]);
            list.extend((mode << 16).to_le_bytes());
            list.extend(at.to_le_bytes());
            list.extend(name.as_bytes());
        }
        let start = out.len() as u32;
        out.extend(&list);
        out.extend(super::END_MARK);
        out.extend([0; 4]);
        for _ in 0..2 {
            out.extend((parts.len() as u16).to_le_bytes());
        }
        out.extend((list.len() as u32).to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        Cursor::new(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_cut_or_changed_archive_is_no_panic_and_no_other_content() {
        let whole = write::archive(&[
            ("a", 0o100_644, b"first first first"),
            ("b/", 0o40_755, b""),
            ("b/c", 0o100_755, b"second"),
        ]);
        let whole = whole.into_inner();
        let all = |bytes: Vec<u8>| -> Result<Vec<(String, String)>, String> {
            let mut file = Cursor::new(bytes);
            let parts = list(&mut file)?;
            parts
                .iter()
                .map(|part| {
                    let mut text = String::new();
                    let mut content = content(&mut file, part)?;
                    content
                        .read_to_string(&mut text)
                        .map_err(|error| error.to_string())?;
                    Ok((part.name.clone(), text))
                })
                .collect()
        };
        let good = all(whole.clone()).unwrap();
        assert_eq!(good[2], ("b/c".to_owned(), "second".to_owned()));
        for at in 0..whole.len() {
            assert!(all(whole[..at].to_vec()).is_err(), "cut at {at}");
            let mut changed = whole.clone();
            changed[at] ^= 0x41;
            if let Ok(read) = all(changed) {
                // What stands for nothing that is read, or changes a name in both places: never what is in a part.
                assert!(read.iter().zip(&good).all(|(a, b)| a.1 == b.1), "at {at}");
            }
        }
        let after = [whole.clone(), b"more".to_vec()].concat();
        assert!(all(after).is_err());
    }
}
