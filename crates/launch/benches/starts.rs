//! What a box costs: from the launch to the first answer, without a guard, with one, in a box; one after the other, so
//! that each meets the same machine. Run by `cargo bench -p portolan-launch`.
#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::unwrap_used,
        clippy::print_stdout,
        reason = "a measurement says what it found, or fails"
    )
)]

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    use catalog::{Entry, ServerName};
    use portolan_launch::sandbox::{Level, SandboxLauncher, SandboxOptions};
    use portolan_launch::{Launched, Launcher, Link, Options, ProcessLauncher};

    const ROUNDS: usize = 100;
    const CYCLES: usize = 1000;
    const AT_ONCE: usize = 50;

    pub(super) fn main() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(measure());
    }

    async fn measure() {
        let guard = PathBuf::from(env!("CARGO_BIN_EXE_portolan-guard"));
        let process = |guard| {
            ProcessLauncher::new(Options {
                guard,
                ..Options::inherited()
            })
        };
        let mut options = SandboxOptions::inherited(guard.clone());
        let sandbox = SandboxLauncher::new(options.clone());
        options.at_most = Level::Landlock;
        let landlock = SandboxLauncher::new(options);
        let begun = Instant::now();
        println!(
            "{}, probed in {:.1} ms",
            sandbox.probe(),
            millis(begun.elapsed())
        );
        let launchers: [(&str, &dyn Launcher); 4] = [
            ("no guard", &process(None)),
            ("guard", &process(Some(guard))),
            ("landlock", &landlock),
            ("namespaces", &sandbox),
        ];
        let entry = Entry::command(ServerName::new("cat").unwrap(), "cat", [""; 0]);
        let mut times = launchers.map(|_| (Vec::new(), Vec::new()));
        for round in 0..ROUNDS + 5 {
            for ((_, launcher), (starts, stops)) in launchers.iter().zip(&mut times) {
                let (start, stop) = once(*launcher, &entry).await;
                // The first ones find nothing in memory.
                if round >= 5 {
                    starts.push(start);
                    stops.push(stop);
                }
            }
        }
        println!("{ROUNDS} rounds, ms          start min  median     p90   stop median");
        for ((name, _), (starts, stops)) in launchers.iter().zip(&mut times) {
            starts.sort();
            stops.sort();
            let at = |part: usize| millis(starts[starts.len() * part / 100]);
            println!(
                "{name:24} {:12.2} {:7.2} {:7.2} {:13.2}",
                at(0),
                at(50),
                at(90),
                millis(stops[stops.len() / 2])
            );
        }

        let begun = Instant::now();
        let running = futures(&sandbox, &entry).await;
        println!("{AT_ONCE} boxes at once: {:.0} ms", millis(begun.elapsed()));
        drop(running);
        let before = descriptors();
        for _ in 0..CYCLES {
            once(&sandbox, &entry).await;
        }
        println!(
            "{CYCLES} starts and stops: {} descriptors before, {} after",
            before,
            descriptors()
        );
    }

    async fn once(launcher: &dyn Launcher, entry: &Entry) -> (Duration, Duration) {
        let begun = Instant::now();
        let (mut pipe, process) = match launcher.launch(entry).await {
            Ok(Launched {
                link: Link::Pipe(pipe),
                process: Some(process),
            }) => (pipe, process),
            Ok(_) => panic!("a program has pipes"),
            Err(error) => panic!("{error}"),
        };
        pipe.sink.send(b"{}").unwrap();
        pipe.source.recv().await.unwrap().unwrap();
        let start = begun.elapsed();
        let begun = Instant::now();
        process.stop(Duration::from_secs(10)).await;
        (start, begun.elapsed())
    }

    async fn futures(launcher: &SandboxLauncher, entry: &Entry) -> Vec<Launched> {
        let launches: Vec<_> = (0..AT_ONCE).map(|_| launcher.launch(entry)).collect();
        let mut running = Vec::new();
        // Each goes on in a thread of its own as soon as it was asked once.
        let mut launches: Vec<_> = launches.into_iter().map(Some).collect();
        std::future::poll_fn(|cx| {
            for launch in &mut launches {
                let ready = launch.as_mut().map(|launch| launch.as_mut().poll(cx));
                if let Some(std::task::Poll::Ready(launched)) = ready {
                    running.push(launched.unwrap_or_else(|error| panic!("{error}")));
                    *launch = None;
                }
            }
            match launches.iter().any(Option::is_some) {
                true => std::task::Poll::Pending,
                false => std::task::Poll::Ready(()),
            }
        })
        .await;
        running
    }

    fn descriptors() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    fn millis(duration: Duration) -> f64 {
        duration.as_secs_f64() * 1000.0
    }
}
