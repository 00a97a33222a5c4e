//! The environment of a server on its way through its guard: a file in memory, which no list of processes shows. The guard itself
//! has none, for what a process is started with stands in `/proc/PID/environ` as long as it lives.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::fs::{MemfdFlags, memfd_create};
use zeroize::Zeroizing;

/// Writes it, to be passed on. What holds a NUL can be in no environment, and is refused.
pub(crate) fn write(env: &BTreeMap<OsString, OsString>) -> io::Result<OwnedFd> {
    let size = env.iter().map(|(name, value)| name.len() + value.len() + 2);
    // Room for everything: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(size.sum()));
    for (name, value) in env {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        if name.contains(&b'=') || name.contains(&0) || value.contains(&0) {
            let why = "a variable has a NUL, or `=` in its name";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend_from_slice(value);
        text.push(0);
    }
    let mut file = File::from(memfd_create("environment", MemfdFlags::CLOEXEC)?);
    file.write_all(&text)?;
    Ok(file.into())
}

/// Reads it from the beginning.
pub(super) fn read(fd: OwnedFd) -> io::Result<Vec<(OsString, OsString)>> {
    let mut file = File::from(fd);
    file.rewind()?;
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text)?;
    let pair = |entry: &[u8]| {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        let part = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((part(&entry[..at]), part(&entry[at + 1..])))
    };
    Ok(text.split(|byte| *byte == 0).filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_arrives_as_it_was_whatever_it_holds() {
        let odd = || OsString::from_vec(b"a=b \xff\n".to_vec());
        let env = BTreeMap::from([
            ("A".into(), odd()),
            ("EMPTY".into(), OsString::new()),
            ("Z".into(), "x".repeat(200_000).into()),
        ]);
        let read = read(write(&env).unwrap()).unwrap();
        assert_eq!(read.into_iter().collect::<BTreeMap<_, _>>(), env);
        assert!(
            super::read(write(&BTreeMap::new()).unwrap())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn what_no_environment_can_hold_is_refused() {
        for (name, value) in [("A=B", "x"), ("A\0", "x"), ("A", "x\0")] {
            let env = BTreeMap::from([(name.into(), value.into())]);
            assert!(write(&env).is_err(), "{name:?}");
        }
    }
}
