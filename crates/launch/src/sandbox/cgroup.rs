//! Control groups: what holds the memory, the processes and the processor time of a box together.
//!
//! Owns finding a place where we may make one, version 2 or 1, and removing it. Refuses to insist: where there is none,
//! limits of single processes have to do, and reports say so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{BoxLimits, LimitedBy};
use crate::limits::{CGROUP_REMOVE_TRIES, CGROUP_REMOVE_WAIT};

const ROOT: &str = "/sys/fs/cgroup";
const NAME: &str = "portolan-box-";
/// The group around all boxes of a gateway, with the number of its process.
const ALL: &str = "portolan-all-";
/// A period of the processor's time, in microseconds.
const PERIOD: u64 = 100_000;

/// The groups of one box.
#[derive(Debug)]
pub(super) struct Groups {
    by: LimitedBy,
    folders: Vec<PathBuf>,
    /// The group around those of all boxes; whoever is last in it removes it.
    all: Option<PathBuf>,
}

impl Groups {
    /// Makes them, if that is possible here.
    pub(super) fn make(limits: &BoxLimits) -> Option<Self> {
        let places = Places::here()?;
        let groups = places.make(limits)?;
        places.sweep();
        Some(groups)
    }

    pub(super) fn by(&self) -> LimitedBy {
        self.by
    }

    /// Whether the system killed somebody in them for want of memory.
    pub(super) fn had_too_little_memory(&self) -> bool {
        let files = self.folders.iter().flat_map(|folder| {
            ["memory.events", "memory.oom_control"].map(|file| folder.join(file))
        });
        let texts = files.filter_map(|file| fs::read_to_string(file).ok());
        texts.into_iter().any(|text| {
            let mut counts = text
                .lines()
                .filter_map(|line| line.strip_prefix("oom_kill "));
            counts.any(|count| count.trim() != "0")
        })
    }

    /// The files by which a process with one thread joins. In version 1 that of a thread, for it need not stop every
    /// process of the machine for it, as the other does.
    pub(super) fn join(&self) -> Vec<PathBuf> {
        let file = match self.by {
            LimitedBy::CgroupV1 => "tasks",
            _ => "cgroup.procs",
        };
        self.folders
            .iter()
            .map(|folder| folder.join(file))
            .collect()
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The last process is gone a moment before it is counted out.
            for _ in 0..CGROUP_REMOVE_TRIES {
                match fs::remove_dir(folder) {
                    Err(error)
                        if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) =>
                    {
                        let _ = rustix::event::poll(&mut [], Some(&CGROUP_REMOVE_WAIT));
                    }
                    _ => break,
                }
            }
        }
        if let Some(all) = &self.all {
            // Not while there are others.
            let _ = fs::remove_dir(all);
        }
    }
}

/// What would hold limits here, found out by looking, without making anything.
pub(super) fn available() -> LimitedBy {
    Places::here().map_or(LimitedBy::Rlimits, |places| places.by)
}

/// The folders that groups can be made in.
#[derive(Debug, PartialEq)]
struct Places {
    by: LimitedBy,
    folders: Vec<PathBuf>,
    /// Where groups for nothing but time can be made.
    time: Option<PathBuf>,
}

impl Places {
    fn here() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::find(Path::new(ROOT), &own)
    }

    /// From the text of `/proc/self/cgroup` and the folder where the file systems are.
    fn find(root: &Path, own: &str) -> Option<Self> {
        Self::version_2(root, own).or_else(|| Self::version_1(root, own))
    }

    /// The nearest group above our own that we may write and that hands memory and processes down. Our own holds
    /// processes, so it cannot.
    fn version_2(root: &Path, own: &str) -> Option<Self> {
        if !root.join("cgroup.controllers").exists() {
            return None;
        }
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let own = root.join(own);
        let place = own
            .ancestors()
            .take_while(|folder| folder.starts_with(root))
            .find(|folder| {
                let handed =
                    fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
                let hands = |name: &str| handed.split_whitespace().any(|handed| handed == name);
                hands("memory")
                    && hands("pids")
                    && writable(folder)
                    && writable(&folder.join("cgroup.procs"))
            })?;
        Some(Self {
            by: LimitedBy::CgroupV2,
            folders: vec![place.to_owned()],
            time: None,
        })
    }

    /// Our own group of each controller. Memory and processes are a must, time is not.
    fn version_1(root: &Path, own: &str) -> Option<Self> {
        let place = |controller: &str| {
            let own = own.lines().find_map(|line| {
                let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
                controllers
                    .split(',')
                    .any(|named| named == controller)
                    .then(|| path.trim_start_matches('/'))
            })?;
            let folder = root.join(controller).join(own);
            (folder.join("tasks").exists() && writable(&folder)).then_some(folder)
        };
        let folders = vec![place("memory")?, place("pids")?];
        Some(Self {
            by: LimitedBy::CgroupV1,
            time: place("cpu").filter(|folder| !folders.contains(folder)),
            folders,
        })
    }

    fn make(&self, limits: &BoxLimits) -> Option<Groups> {
        self.make_on(limits, machine_millis())
    }

    /// On a machine that has so many thousandths of a processor.
    fn make_on(&self, limits: &BoxLimits, machine: u32) -> Option<Groups> {
        let me = std::process::id();
        let gateway = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        let mut groups = Groups {
            by: self.by,
            folders: Vec::new(),
            all: None,
        };
        // A limit that the machine itself sets needs no group; and whoever is in one gets as much time as everybody outside
        // together, however low its priority, while others wait.
        let time = self.time.iter().filter(|_| limits.cpu_millis < machine);
        for place in self.folders.iter().chain(time) {
            let is_for_all = limits.all_memory_bytes > 0 && holds_memory(place);
            let all = is_for_all.then(|| place.join(format!("{ALL}{gateway}")));
            let folder = all.as_ref().unwrap_or(place).join(format!("{NAME}{me}"));
            let made = (0..CGROUP_REMOVE_TRIES).find_map(|_| {
                if let Some(all) = &all {
                    self.make_all(all, limits.all_memory_bytes)?;
                }
                match fs::create_dir(&folder) {
                    Ok(()) => Some(true),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Some(true),
                    // Whoever was last in it has just removed it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound && is_for_all => None,
                    Err(_) => Some(false),
                }
            });
            if made != Some(true) {
                return None;
            }
            groups.folders.push(folder);
            if all.is_some() {
                groups.all = all;
            }
        }
        for folder in &groups.folders {
            for (file, value, is_needed) in settings(self.by, limits) {
                let file = folder.join(file);
                if file.exists() && fs::write(&file, value).is_err() && is_needed {
                    return None;
                }
            }
        }
        Some(groups)
    }

    /// Makes the group around all boxes of a gateway, unless another of them has.
    fn make_all(&self, all: &Path, memory: u64) -> Option<()> {
        match fs::create_dir(all) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return None,
            _ => {}
        }
        let memory = memory.to_string();
        let (file, others) = match self.by {
            LimitedBy::CgroupV2 => (
                "memory.max",
                [
                    ("memory.swap.max", "0"),
                    ("cgroup.subtree_control", "+memory +pids"),
                    ("cgroup.subtree_control", "+cpu"),
                ],
            ),
            _ => (
                "memory.limit_in_bytes",
                [
                    ("memory.use_hierarchy", "1"),
                    ("memory.memsw.limit_in_bytes", &*memory),
                    ("memory.swappiness", "0"),
                ],
            ),
        };
        // It may go meanwhile, with the last one in it; then it is made again.
        let _ = fs::write(all.join(file), &memory);
        for (file, value) in others {
            let file = all.join(file);
            if file.exists() {
                let _ = fs::write(file, value);
            }
        }
        Some(())
    }

    /// Removes the empty groups of guards that were killed.
    fn sweep(&self) {
        for place in self.folders.iter().chain(&self.time) {
            sweep(place);
        }
    }
}

/// What all processors can give.
fn machine_millis() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(processors).map_or(u32::MAX, |n| n.saturating_mul(1000))
}

/// Whether the groups in a folder hold memory.
fn holds_memory(place: &Path) -> bool {
    ["memory.limit_in_bytes", "memory.max", "cgroup.controllers"]
        .iter()
        .any(|file| place.join(file).exists())
}

fn sweep(place: &Path) {
    for folder in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = folder.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_dead = |owner: &str| !Path::new("/proc").join(owner).exists();
        if let Some(owner) = name.strip_prefix(NAME)
            && is_dead(owner)
        {
            let _ = fs::remove_dir(folder.path());
        }
        if let Some(owner) = name.strip_prefix(ALL) {
            sweep(&folder.path());
            if is_dead(owner) {
                let _ = fs::remove_dir(folder.path());
            }
        }
    }
}

/// File, value, and whether there is no box without it. Those that a group does not have are for another controller.
fn settings(by: LimitedBy, limits: &BoxLimits) -> Vec<(&'static str, String, bool)> {
    let memory = limits.memory_bytes.to_string();
    let processes = limits.processes.to_string();
    let time = u64::from(limits.cpu_millis) * PERIOD / 1000;
    match by {
        LimitedBy::CgroupV2 => vec![
            ("memory.max", memory, true),
            ("memory.swap.max", "0".to_owned(), false),
            // One process less is a server that answers wrongly.
            ("memory.oom.group", "1".to_owned(), false),
            ("pids.max", processes, true),
            ("cpu.max", format!("{time} {PERIOD}"), false),
        ],
        _ => vec![
            ("memory.limit_in_bytes", memory.clone(), true),
            ("memory.memsw.limit_in_bytes", memory, false),
            ("pids.max", processes, true),
            ("cpu.cfs_period_us", PERIOD.to_string(), false),
            ("cpu.cfs_quota_us", time.to_string(), false),
        ],
    }
}

fn writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let file = dir.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        dir
    }

    #[test]
    fn version_2_is_used_where_it_is_delegated() {
        let dir = tree(&[
            ("cgroup.controllers", "cpu memory pids"),
            ("cgroup.subtree_control", "memory pids"),
            ("cgroup.procs", ""),
            ("user/cgroup.subtree_control", "cpu memory pids"),
            ("user/cgroup.procs", ""),
            ("user/app/cgroup.subtree_control", ""),
            ("user/app/cgroup.procs", ""),
        ]);
        let place = |own: &str| Places::find(dir.path(), own);
        let at = |folder: &str| {
            Some(Places {
                by: LimitedBy::CgroupV2,
                folders: vec![dir.path().join(folder)],
                time: None,
            })
        };
        assert_eq!(place("0::/user/app\n"), at("user"));
        assert_eq!(place("0::/user\n"), at("user"));
        assert_eq!(place("1:name=systemd:/\n0::/\n"), at(""));
        fs::write(dir.path().join("user/cgroup.subtree_control"), "cpu").unwrap();
        fs::write(dir.path().join("cgroup.subtree_control"), "").unwrap();
        assert_eq!(place("0::/user/app\n"), None);
    }

    #[test]
    fn version_1_needs_memory_and_processes() {
        let dir = tree(&[
            ("memory/a/tasks", ""),
            ("pids/tasks", ""),
            ("cpu/tasks", ""),
        ]);
        let own = "5:cpu,cpuacct:/\n4:memory:/a\n3:pids:/\n0::/\n";
        let folders = ["memory/a", "pids/"].map(|place| dir.path().join(place));
        let place = Places::find(dir.path(), own).unwrap();
        assert_eq!(
            (place.by, &*place.folders),
            (LimitedBy::CgroupV1, &folders[..])
        );
        assert_eq!(place.time, Some(dir.path().join("cpu/")));

        // A guard that was killed has left a group behind; one that lives has not.
        let dead = dir.path().join(format!("pids/{NAME}999999999"));
        let alive = dir
            .path()
            .join(format!("pids/{NAME}{}", std::process::id()));
        fs::create_dir(&dead).unwrap();
        fs::create_dir(&alive).unwrap();
        place.sweep();
        assert!(!dead.exists() && alive.exists());

        fs::remove_file(dir.path().join("pids/tasks")).unwrap();
        assert_eq!(Places::find(dir.path(), own), None);
    }

    #[test]
    fn a_group_is_set_up_and_removed() {
        let dir = tree(&[("place/x", "")]);
        let place = Places {
            by: LimitedBy::CgroupV1,
            folders: vec![dir.path().join("place")],
            time: None,
        };
        let groups = place.make(&BoxLimits::default()).unwrap();
        let [folder] = &*groups.folders else {
            panic!("one folder");
        };
        assert!(folder.exists());
        assert_eq!(groups.join(), [folder.join("tasks")]);
        let folder = folder.clone();
        drop(groups);
        assert!(!folder.exists());
    }

    #[test]
    fn time_has_a_group_where_it_is_less_than_the_machines() {
        let dir = tree(&[("place/x", ""), ("time/x", "")]);
        let place = Places {
            by: LimitedBy::CgroupV1,
            folders: vec![dir.path().join("place")],
            time: Some(dir.path().join("time")),
        };
        let limits = BoxLimits {
            cpu_millis: 2000,
            ..BoxLimits::default()
        };
        let groups = |machine| place.make_on(&limits, machine).unwrap().folders.len();
        assert_eq!([2000, 2001].map(groups), [1, 2]);
    }

    #[test]
    fn a_group_of_version_2_gets_its_limits() {
        let me = std::process::id();
        let parent = rustix::process::getppid().unwrap().as_raw_nonzero();
        let all = format!("{ALL}{parent}");
        // As the system makes them with the folder.
        let files = [
            "memory.max",
            "memory.swap.max",
            "memory.oom.group",
            "pids.max",
            "cpu.max",
        ];
        let files: Vec<_> = files
            .iter()
            .map(|file| format!("{all}/{NAME}{me}/{file}"))
            .chain([
                format!("{all}/cgroup.subtree_control"),
                "cgroup.controllers".to_owned(),
            ])
            .collect();
        let made: Vec<_> = files.iter().map(|file| (&**file, "")).collect();
        let dir = tree(&made);
        let place = Places {
            by: LimitedBy::CgroupV2,
            folders: vec![dir.path().to_owned()],
            time: None,
        };
        let limits = BoxLimits {
            memory_bytes: 64 << 20,
            processes: 7,
            cpu_millis: 1500,
            all_memory_bytes: 1 << 30,
            ..BoxLimits::default()
        };
        let groups = place.make(&limits).unwrap();
        let is = |file: &str| fs::read_to_string(dir.path().join(&all).join(file)).unwrap();
        assert_eq!(is("memory.max"), (1u64 << 30).to_string());
        assert!(is("cgroup.subtree_control").contains("cpu"), "said last");
        let own = |file: &str| is(&format!("{NAME}{me}/{file}"));
        assert_eq!(own("memory.max"), (64 << 20).to_string());
        assert_eq!(
            (&*own("memory.swap.max"), &*own("memory.oom.group")),
            ("0", "1")
        );
        assert_eq!(
            (&*own("pids.max"), &*own("cpu.max")),
            ("7", "150000 100000")
        );
        assert_eq!(
            groups.join(),
            [dir.path()
                .join(&all)
                .join(format!("{NAME}{me}/cgroup.procs"))]
        );
    }

    #[test]
    fn all_boxes_of_a_gateway_are_in_one_group_that_goes_with_the_last() {
        let dir = tree(&[("memory/memory.limit_in_bytes", ""), ("pids/x", "")]);
        let place = Places {
            by: LimitedBy::CgroupV1,
            folders: ["memory", "pids"]
                .map(|name| dir.path().join(name))
                .to_vec(),
            time: None,
        };
        let limits = BoxLimits {
            all_memory_bytes: 1 << 30,
            ..BoxLimits::default()
        };
        let groups = place.make(&limits).unwrap();
        let parent = rustix::process::getppid().unwrap().as_raw_nonzero();
        let all = dir.path().join(format!("memory/{ALL}{parent}"));
        let me = std::process::id();
        assert_eq!(
            groups.folders,
            [
                all.join(format!("{NAME}{me}")),
                dir.path().join(format!("pids/{NAME}{me}"))
            ]
        );
        let limit = all.join("memory.limit_in_bytes");
        assert_eq!(
            fs::read_to_string(&limit).unwrap(),
            (1u64 << 30).to_string()
        );
        // A real group is empty but for the system's own files, which go with it.
        for file in fs::read_dir(&all).unwrap().flatten() {
            let _ = fs::remove_file(file.path());
        }
        drop(groups);
        assert!(!all.exists());
        // One of a gateway that is dead, with a box of a guard that is.
        let dead = dir.path().join(format!("memory/{ALL}999999999"));
        fs::create_dir_all(dead.join(format!("{NAME}999999999"))).unwrap();
        place.sweep();
        assert!(!dead.exists());
    }
}
