//! The zip that wheels and bundles are: no more of the format than these need. Every entry has the same time and its mode.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::tree::Tree;

/// The earliest time that a zip can say, 1 January 1980.
const FIRST_DAY: u64 = 315_532_800;
const MADE_BY_UNIX: u16 = 3 << 8 | 20;

/// The files of a tree, sorted by name unless `last` puts some at the end.
pub(super) fn of(tree: &Tree, last: &[&str], epoch: u64) -> Result<Vec<u8>, String> {
    let mut files: Vec<_> = tree.files().collect();
    files.sort_by_key(|(path, ..)| last.contains(path));
    let (date, time) = dos(epoch.max(FIRST_DAY))?;
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (path, mode, content) in &files {
        let offset = size(zip.len())?;
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::new(6));
        let packed = packer
            .write_all(content)
            .and_then(|()| packer.finish())
            .map_err(|error| format!("`{path}` cannot be packed: {error}"))?;
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut common = Vec::new();
        // Needs 2.0; the name is UTF-8; deflate.
        for half in [20, 1 << 11, 8, time, date] {
            common.extend(u16::to_le_bytes(half));
        }
        for word in [crc.sum(), size(packed.len())?, size(content.len())?] {
            common.extend(word.to_le_bytes());
        }
        let name = u16::try_from(path.len()).map_err(|_| format!("`{path}` is too long"))?;
        common.extend(name.to_le_bytes());
        common.extend([0, 0]);
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(path.as_bytes());
        zip.extend(packed);
        directory.extend(b"PK\x01\x02");
        directory.extend(MADE_BY_UNIX.to_le_bytes());
        directory.extend(common);
        // No comment, the first disk, no inner attributes.
        directory.extend([0; 6]);
        directory.extend(((0o100_000 | mode) << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let count = u16::try_from(files.len()).map_err(|_| "too many files for a zip".to_owned())?;
    let (start, length) = (size(zip.len())?, size(directory.len())?);
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count.to_le_bytes());
    zip.extend(count.to_le_bytes());
    zip.extend(length.to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    Ok(zip)
}

fn size(bytes: usize) -> Result<u32, String> {
    u32::try_from(bytes).map_err(|_| "too large for a zip".to_owned())
}

/// Date and time, in steps of two seconds.
fn dos(epoch: u64) -> Result<(u16, u16), String> {
    let at = super::release::time(epoch)?;
    let small = |number: i8| u16::try_from(number).unwrap_or(0);
    let year = u16::try_from(at.year() - 1980).map_err(|_| "too early for a zip".to_owned())?;
    let date = year << 9 | small(at.month()) << 5 | small(at.day());
    let time = small(at.hour()) << 11 | small(at.minute()) << 5 | (small(at.second()) / 2);
    Ok((date, time))
}

#[cfg(test)]
mod tests {
    use super::dos;

    #[test]
    fn times_are_written_as_dos_has_them() {
        // 29 February 2024, 12:34:56.
        let (date, time) = dos(1_709_210_096).unwrap();
        assert_eq!(
            (date >> 9, date >> 5 & 15, date & 31),
            (44, 2, 29),
            "{date:x}"
        );
        assert_eq!((time >> 11, time >> 5 & 63, time & 31), (12, 34, 28));
        assert_eq!(dos(super::FIRST_DAY), Ok((0x21, 0)));
    }
}
