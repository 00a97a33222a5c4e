//! What becomes a server in its container: `enter.c`, and what it is sent.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroizing;

use crate::limits::{ENTER_BYTES_MAX, ENTER_STRINGS_MAX};

/// Where it is in every container.
pub(super) const AT: &str = "/.portolan-enter";

const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/enter"));

/// Puts the program into a folder of ours, if it is not there yet. Its name says which one it is, so that those of other
/// versions stay what they are.
pub(super) fn install(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join(format!("enter-{:016x}", mark(PROGRAM)));
    if fs::read(&path).is_ok_and(|there| there == PROGRAM) {
        return Ok(path);
    }
    fs::create_dir_all(folder)?;
    // Containers that start at the same time do this at the same time.
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    let nth = TRIES.fetch_add(1, Ordering::Relaxed);
    let half = folder.join(format!(".enter-{}-{nth}", std::process::id()));
    // Whoever the server is in its container has to be able to run it; there is nothing to hide in it.
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o755)
        .open(&half)?;
    file.write_all(PROGRAM)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    drop(file);
    fs::rename(&half, &path)?;
    Ok(path)
}

/// What it is sent to become a server, or `None` if that is too much.
pub(super) fn message(args: &[String], env: &[(String, String)]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = args.iter().map(|arg| arg.len() + 1).sum::<usize>()
        + env
            .iter()
            .map(|(name, value)| name.len() + value.len() + 2)
            .sum::<usize>();
    if args.is_empty() || args.len() + env.len() > ENTER_STRINGS_MAX || bytes > ENTER_BYTES_MAX {
        return None;
    }
    // All of it at once: what grows leaves copies behind.
    let mut out = Zeroizing::new(Vec::with_capacity(12 + bytes));
    for number in [args.len(), env.len(), bytes] {
        out.extend_from_slice(&u32::try_from(number).ok()?.to_le_bytes());
    }
    let mut put = |parts: &[&str]| {
        for part in parts {
            out.extend_from_slice(part.as_bytes());
        }
        out.push(0);
    };
    for arg in args {
        put(&[arg]);
    }
    for (name, value) in env {
        put(&[name, "=", value]);
    }
    // A zero in one of them would be read as its end.
    let zeros = out[12..].iter().filter(|byte| **byte == 0).count();
    (zeros == args.len() + env.len()).then_some(out)
}

/// FNV-1a: enough to tell versions apart.
fn mark(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |mark, byte| {
        (mark ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output, Stdio};

    use super::*;

    fn run(message: &[u8], rest: &[u8]) -> Output {
        let dir = tempfile::tempdir().unwrap();
        let program = install(dir.path()).unwrap();
        assert_eq!(install(dir.path()).unwrap(), program);
        #[expect(clippy::disallowed_methods, reason = "it is tried as it is")]
        let mut child = Command::new(program)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("B", "of the image"), ("C", "3")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Who refuses does not read on.
        let _ = stdin
            .write_all(message)
            .and_then(|()| stdin.write_all(rest));
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    fn of(args: &[&str], env: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let pairs = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        message(&args, &pairs.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn it_becomes_the_server_and_leaves_the_rest_to_it() {
        let said = run(
            &of(
                &["sh", "-c", "echo \"$A|$B|$C|$1\"; cat", "x", ""],
                &[("A", "1 \n2"), ("B", "ours=")],
            ),
            b"{}\n",
        );
        assert_eq!(
            String::from_utf8_lossy(&said.stdout),
            "1 \n2|ours=|3|\n{}\n"
        );
        assert_eq!((said.status.code(), said.stderr.len()), (Some(0), 0));
    }

    #[test]
    fn it_ends_as_the_server_does_and_is_closed_to_it() {
        for (script, code) in [
            ("exit 7", 7),
            ("kill -9 $$", 137),
            ("(sleep 0 &) ; exit 0", 0),
        ] {
            let said = run(&of(&["sh", "-c", script], &[]), b"");
            assert_eq!(said.status.code(), Some(code), "{script}");
        }
        // Its own parent, in a container the first process. Root may look everywhere.
        let said = run(
            &of(&["sh", "-c", "stat -c %u /proc/$PPID/environ"], &[]),
            b"",
        );
        assert_eq!(String::from_utf8_lossy(&said.stdout), "0\n");
    }

    #[test]
    fn what_cannot_be_run_is_said() {
        for (args, code, says) in [
            (&["no-such-program"][..], 127, "is not in the image"),
            (&["/no/such/program"], 127, "is not in the image"),
            (&["/etc/passwd"], 126, "may not be run"),
            (&["/"], 126, "may not be run"),
        ] {
            let said = run(&of(args, &[]), b"");
            let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
            assert_eq!(said.status.code(), Some(code), "{args:?} {stderr}");
            assert!(
                stderr.starts_with("portolan: ") && stderr.contains(says),
                "{stderr}"
            );
        }
    }

    #[test]
    fn many_put_it_into_its_place_at_once() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| install(dir.path()).unwrap()))
                .collect();
            for one in all {
                assert_eq!(fs::read(one.join().unwrap()).unwrap(), PROGRAM);
            }
        });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_makes_no_sense_starts_nothing() {
        let good = of(&["echo", "started"], &[]);
        // Without anybody who wants a server, there is none.
        for cut in [0, 3, 12, good.len() - 1] {
            let said = run(&good[..cut], b"");
            assert_eq!(
                (said.status.code(), said.stdout.len()),
                (Some(0), 0),
                "{cut}"
            );
        }
        for (at, number) in [
            (0, 0u32),
            (0, 9),
            (0, u32::MAX),
            (4, 2),
            (4, u32::MAX),
            (8, 0),
            (8, u32::MAX),
        ] {
            let mut bad = good.to_vec();
            bad[at..at + 4].copy_from_slice(&number.to_le_bytes());
            let said = run(&bad, b"");
            assert_eq!(
                (said.status.code(), said.stdout.len()),
                (Some(125), 0),
                "{at} {number}"
            );
        }
    }

    #[test]
    fn what_is_too_much_or_has_a_zero_is_refused() {
        let text = |n: usize| "x".repeat(n);
        assert!(message(&[text(ENTER_BYTES_MAX - 1)], &[]).is_some());
        assert!(message(&[text(ENTER_BYTES_MAX)], &[]).is_none());
        assert!(message(&vec![text(1); ENTER_STRINGS_MAX + 1], &[]).is_none());
        assert!(message(&[], &[]).is_none());
        assert!(message(&["a\0b".to_owned()], &[]).is_none());
    }
}
