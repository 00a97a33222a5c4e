//! What a Linux program says of itself: for which machine it is, and which libraries of which versions it needs.
//! Reads the little of the format that packages have to know, and refuses everything else.

/// A program, as far as packages care.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Elf {
    /// As Rust spells it.
    pub(super) machine: &'static str,
    /// The loader; none: the program is complete in itself.
    pub(super) loader: Option<String>,
    /// The libraries that it names.
    pub(super) libraries: Vec<String>,
    /// The newest version of the C library that something of it needs.
    pub(super) glibc: Option<(u32, u32)>,
}

impl Elf {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let file = File(bytes);
        if bytes.get(..6) != Some(b"\x7fELF\x02\x01") {
            return Err("not a 64-bit ELF program: packages are made for Linux".into());
        }
        let machine = match file.number(18, 2)? {
            62 => "x86_64",
            183 => "aarch64",
            other => {
                return Err(format!(
                    "a program for a machine that is not known ({other})"
                ));
            }
        };
        let mut elf = Self {
            machine,
            ..Self::default()
        };
        let segments = file.segments()?;
        for segment in &segments {
            if segment.kind == INTERP {
                elf.loader = Some(file.text(segment.offset)?);
            }
            if segment.kind == DYNAMIC {
                elf.dynamic(&file, segment, &segments)?;
            }
        }
        Ok(elf)
    }

    fn dynamic(&mut self, file: &File<'_>, at: &Segment, all: &[Segment]) -> Result<(), String> {
        let mut entries = Vec::new();
        for index in 0..at.size / 16 {
            let place = at.offset + index * 16;
            entries.push((file.number(place, 8)?, file.number(place + 8, 8)?));
        }
        let value = |tag| entries.iter().find(|(is, _)| *is == tag).map(|(_, it)| *it);
        // A complete program has the segment too, and names nothing.
        let Some(strings) = value(STRTAB).and_then(|address| place_of(address, all)) else {
            return Ok(());
        };
        for (_, name) in entries.iter().filter(|(tag, _)| *tag == NEEDED) {
            self.libraries.push(file.text(strings + name)?);
        }
        let Some(mut need) = value(VERNEED).and_then(|address| place_of(address, all)) else {
            return Ok(());
        };
        for _ in 0..value(VERNEEDNUM).unwrap_or(0) {
            let mut version = need + file.number(need + 8, 4)?;
            for _ in 0..file.number(need + 2, 2)? {
                let name = file.text(strings + file.number(version + 8, 4)?)?;
                self.glibc = self.glibc.max(glibc(&name));
                version += file.number(version + 12, 4)?;
            }
            need += file.number(need + 12, 4)?;
        }
        Ok(())
    }
}

const INTERP: u64 = 3;
const DYNAMIC: u64 = 2;
const LOAD: u64 = 1;
const NEEDED: u64 = 1;
const STRTAB: u64 = 5;
const VERNEED: u64 = 0x6fff_fffe;
const VERNEEDNUM: u64 = 0x6fff_ffff;

struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    size: u64,
}

/// Where in the file an address of the program is.
fn place_of(address: u64, all: &[Segment]) -> Option<u64> {
    all.iter()
        .filter(|segment| segment.kind == LOAD)
        .find(|segment| (segment.address..segment.address + segment.size).contains(&address))
        .map(|segment| address - segment.address + segment.offset)
}

/// `GLIBC_2.34` as numbers.
fn glibc(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.strip_prefix("GLIBC_")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

struct File<'a>(&'a [u8]);

impl File<'_> {
    fn segments(&self) -> Result<Vec<Segment>, String> {
        let (table, size, count) = (
            self.number(32, 8)?,
            self.number(54, 2)?,
            self.number(56, 2)?,
        );
        let at = |index| table + index * size;
        (0..count)
            .map(|index| {
                Ok(Segment {
                    kind: self.number(at(index), 4)?,
                    offset: self.number(at(index) + 8, 8)?,
                    address: self.number(at(index) + 16, 8)?,
                    size: self.number(at(index) + 32, 8)?,
                })
            })
            .collect()
    }

    fn number(&self, at: u64, bytes: usize) -> Result<u64, String> {
        let cut = || "the program is cut off".to_owned();
        let at = usize::try_from(at).map_err(|_| cut())?;
        let end = at.checked_add(bytes).ok_or_else(cut)?;
        let mut whole = [0; 8];
        whole[..bytes].copy_from_slice(self.0.get(at..end).ok_or_else(cut)?);
        Ok(u64::from_le_bytes(whole))
    }

    fn text(&self, at: u64) -> Result<String, String> {
        let rest = usize::try_from(at).ok().and_then(|at| self.0.get(at..));
        let name = rest.and_then(|rest| rest.split(|byte| *byte == 0).next());
        name.map(|name| String::from_utf8_lossy(name).into_owned())
            .ok_or_else(|| "the program is cut off".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_a_program_with_a_loader_and_libraries() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let elf = Elf::read(&own).unwrap();
        assert_eq!(elf.machine, std::env::consts::ARCH);
        if cfg!(target_env = "gnu") {
            let loader = elf.loader.unwrap();
            assert!(
                loader.starts_with("/lib") && loader.contains("/ld-linux"),
                "{loader}"
            );
            assert!(elf.libraries.iter().any(|name| name == "libc.so.6"));
            assert!(elf.glibc.unwrap() > (2, 3), "{:?}", elf.glibc);
        }
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_refused() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(Elf::read(&own[..100]).unwrap_err().contains("cut off"));
        assert!(
            Elf::read(b"#!/bin/sh\n")
                .unwrap_err()
                .contains("not a 64-bit")
        );
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(glibc("GLIBC_2.2.5"), Some((2, 2)));
        assert!(glibc("GLIBC_2.34") > glibc("GLIBC_2.4"));
        assert_eq!(glibc("GCC_3.0"), None);
    }
}
