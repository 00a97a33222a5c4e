//! Servers in boxes: what they can do, and above all what they cannot.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![cfg(target_os = "linux")]
use portolan_launch::sandbox::*;
use portolan_launch::*;
use catalog::{Entry, ServerName};

#[tokio::test]
async fn quick() {
    let launcher = SandboxLauncher::new(SandboxOptions::inherited(env!("CARGO_BIN_EXE_portolan-guard").into()));
    println!("{} {:?}", launcher.probe(), launcher.probe());
    let e = Entry::command(ServerName::new("t").unwrap(), "sh", ["-c", "id; ls -la / ~ /dev /proc | head -100; cat /proc/mounts; env; grep -E 'Cap|Seccomp|NoNew' /proc/self/status; cat /proc/self/uid_map; python3 -c 'print(1)'; echo err >&2"]);
    let l = launcher.launch(&e).await;
    match l {
        Err(e) => panic!("{e}"),
        Ok(Launched { link: Link::Pipe(mut pipe), process: Some(process) }) => {
            while let Some(Ok(line)) = pipe.source.recv().await { println!("{}", String::from_utf8_lossy(&line)); }
            println!("{} {:?}", process.exited().await, process.stderr_tail(10));
        }
        _ => panic!(),
    }
}
