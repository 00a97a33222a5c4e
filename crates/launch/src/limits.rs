//! Every bound of this crate.

use std::time::Duration;

/// How many programs are being started at a time; the others wait.
pub const STARTS_AT_ONCE: usize = 8;
/// How long a start counts as one that keeps a processor busy; one takes some milliseconds.
pub const START_BUSY: Duration = Duration::from_millis(100);
/// How long the guard may take to say that the server runs.
pub const GUARD_START: Duration = Duration::from_secs(10);
/// How often a process of our own is tried to be copied, the second time from a new original.
pub const COPY_ATTEMPTS: usize = 2;
/// How long a server whose gateway died may take to end by itself, its standard input being closed.
pub const GUARD_EOF_GRACE: Duration = Duration::from_secs(1);
/// How long a process may take to obey SIGTERM before it is killed.
pub const TERM_GRACE: Duration = Duration::from_secs(2);
/// How long killed processes are waited for; one that waits for a broken disk cannot die.
pub const KILL_WAIT: Duration = Duration::from_secs(5);
/// How often the guard looks again for what a dying server still starts.
pub const KILL_AGAIN: Duration = Duration::from_millis(20);

/// How long a server in a container that runs already may take to be reached.
pub const RUNNING_CONNECT: Duration = Duration::from_secs(10);

/// How many lines of a server's standard error are kept.
pub const STDERR_LINES_MAX: usize = 200;
/// How much of one of these lines is kept.
pub const STDERR_LINE_BYTES_MAX: usize = 8 << 10;
/// How much is kept together.
pub const STDERR_BYTES_MAX: usize = 256 << 10;
/// How much is read at a time.
pub const STDERR_READ_BYTES: usize = 16 << 10;
/// The rest after each read: a server that floods its standard error is slowed down, not its gateway.
pub const STDERR_REST: Duration = Duration::from_millis(5);
/// How long the last words of a dead server are waited for.
pub const STDERR_DRAIN: Duration = Duration::from_millis(250);

/// Lines of its standard error that are told of a program that gave no secret.
pub const CAPTURE_ERROR_LINES: usize = 3;

/// The longest wait between two starts.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// The wait after the first failure.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// Memory of a box, unless told otherwise.
pub const BOX_MEMORY_BYTES: u64 = 2 << 30;
/// Processes and threads of a box, unless told otherwise.
pub const BOX_PROCESSES: u32 = 512;
/// Processors of a box, unless told otherwise.
pub const BOX_CPUS: u32 = 2;
/// Open files of each process of a box, unless told otherwise.
pub const BOX_OPEN_FILES: u32 = 4096;
/// What each private folder of a box can hold, unless told otherwise.
pub const BOX_SCRATCH_BYTES: u64 = 256 << 20;
/// How many files each private folder of a box can hold.
pub const BOX_SCRATCH_FILES: u32 = 64 << 10;
/// Where the proxy of a box listens, on the box' own loopback.
pub const BOX_PROXY_PORT: u16 = 3128;
/// How often the memory of all boxes together is looked at where no control group holds it.
pub const TOGETHER_LOOK: Duration = Duration::from_secs(1);
/// The addresses that stand for names in a box, where they lead nowhere else. Of the public Internet: many programs refuse
/// to connect to a name that has any other address.
#[cfg(target_os = "linux")]
pub const BOX_NAMES: (std::net::Ipv4Addr, u8) = (std::net::Ipv4Addr::new(11, 64, 0, 0), 16);
/// How many decisions about the network stand in a server's log.
pub const BOX_DECISIONS_TOLD_MAX: usize = 64;
/// How many hosts that were refused are remembered of a server.
pub const BOX_REFUSED_MAX: usize = 16;
/// What a box shows of the machine: so many files and folders.
pub const BOX_SHARES_MAX: usize = 200;
/// How many descriptors go with one message between a gateway and a guard.
pub const FDS_MAX: usize = 16;
/// How long one such message may be.
pub const MESSAGE_BYTES_MAX: usize = 4 << 10;
/// How much of the reason why there is no box is told.
pub const REFUSAL_CHARS_MAX: usize = 512;
/// How many links, shims and interpreters lead from a command to what it runs.
pub const RUNTIME_HOPS_MAX: usize = 16;
/// How many owners of shared files have a namespace of users each.
pub const BOX_OWNERS_MAX: usize = 8;
/// How often the group of a box that is gone is tried to be removed.
pub const CGROUP_REMOVE_TRIES: usize = 50;
/// The wait between two such tries.
#[cfg(target_os = "linux")]
pub const CGROUP_REMOVE_WAIT: rustix::event::Timespec = rustix::event::Timespec {
    tv_sec: 0,
    tv_nsec: 2_000_000,
};

/// How long a container engine may think about a question.
pub const ENGINE_ANSWER: Duration = Duration::from_secs(5);
/// How long it may take to create, attach or start a container; a busy disk makes it slow.
pub const ENGINE_START: Duration = Duration::from_secs(60);
/// How long whoever must not wait waits for the first answer of an engine.
pub const ENGINE_GLANCE: Duration = Duration::from_millis(100);
/// How long an engine that was not there is not looked for again.
pub const ENGINE_ABSENCE: Duration = Duration::from_secs(5);
/// The longest answer of an engine.
pub const ENGINE_REPLY_BYTES_MAX: usize = 8 << 20;
/// How much of an engine's words is told.
pub const ENGINE_WORDS_CHARS_MAX: usize = 400;
/// How long an image may take to come.
pub const PULL_TIME: Duration = Duration::from_secs(30 * 60);
/// How long nothing may be heard of one that comes.
pub const PULL_IDLE: Duration = Duration::from_secs(120);
/// The longest line about one that comes.
pub const PULL_LINE_BYTES_MAX: usize = 64 << 10;
/// How many layers of one that comes are counted.
pub const PULL_LAYERS_MAX: usize = 512;
/// What a server in a container may be started with: arguments and environment together.
pub const ENTER_BYTES_MAX: usize = 1 << 20;
/// And how many of them there may be.
pub const ENTER_STRINGS_MAX: usize = 2048;
/// How long one call of a one-shot tool may take, whatever a call may otherwise.
pub const ONE_SHOT_TIME: Duration = Duration::from_secs(600);
/// How many calls of one-shot tools of one server run at a time; the others wait.
pub const ONE_SHOTS_AT_ONCE: usize = 4;
/// How many may run and wait together.
pub const ONE_SHOTS_WAITING_MAX: usize = 64;
/// How much of what a one-shot tool writes is kept.
pub const ONE_SHOT_BYTES_MAX: usize = 4 << 20;
/// How many lines of its standard error are told of a one-shot tool.
pub const ONE_SHOT_LINES_TOLD: usize = 40;
/// The longest name in a layer of an image.
pub const TAR_NAME_BYTES_MAX: usize = 4096;
/// The longest records about one entry of a layer.
pub const TAR_RECORDS_BYTES_MAX: usize = 1 << 20;
/// How deep the folders of an image are.
pub const IMAGE_DEPTH_MAX: usize = 128;
/// How many layers an image has.
pub const IMAGE_LAYERS_MAX: usize = 128;
/// How much an image that is unpacked here may be.
pub const IMAGE_BYTES_MAX: u64 = 8 << 30;
/// How many files and folders it may have.
pub const IMAGE_FILES_MAX: u64 = 500_000;
/// How much of it may come over the network.
pub const IMAGE_PULLED_BYTES_MAX: u64 = 4 << 30;
/// The longest configuration of an image.
pub const IMAGE_CONFIG_BYTES_MAX: u64 = 4 << 20;
/// How many platforms an index of images names.
pub const IMAGE_PLATFORMS_MAX: usize = 1024;
/// How many things of an image's root a box shows.
pub const IMAGE_PARTS_MAX: usize = 512;
/// How many volumes and temporary folders a container has.
pub const CONTAINER_VOLUMES_MAX: usize = 64;
/// How long a container that was told to end may take to be gone.
pub const CONTAINER_GONE: Duration = Duration::from_secs(10);
/// How long a gateway that ends waits until the engine has heard that a container is to end too.
pub const CONTAINER_LAST_WORD: Duration = Duration::from_secs(1);
/// How many orders to one container may wait.
pub const CONTAINER_ORDERS_MAX: usize = 8;
/// How long a container's first program may take to hand over what listens in its network.
pub const CONTAINER_DOOR: Duration = Duration::from_secs(10);
/// How many containers that were lost with their engine are remembered, to be removed when it is back.
pub const CONTAINERS_LOST_MAX: usize = 256;
/// How long an image or package is kept that nobody uses.
pub const KEPT_AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long one stays in any case that was just used, or fetched.
pub const KEPT_FRESH: Duration = Duration::from_secs(60 * 60);
/// How much all unpacked images may take of the disk before unused ones go.
pub const IMAGES_KEPT_BYTES: u64 = 20 << 30;
/// How much all installed packages may take.
pub const PACKAGES_KEPT_BYTES: u64 = 10 << 30;
/// How many files of one are counted; what has more is taken for as large as these.
pub const KEPT_FILES_COUNTED_MAX: usize = 1_000_000;
/// How long an installation may take, the wait for another one of the same package included.
pub const INSTALL_WAIT: Duration = Duration::from_secs(600);
/// How much of the disk an installation may fill.
pub const INSTALL_BYTES_MAX: u64 = 2 << 30;
/// How many files it may make.
pub const INSTALL_FILES_MAX: u64 = 300_000;
/// How many processes and threads it may have, in a box.
pub const INSTALL_PROCESSES: u32 = 256;
/// How often the size of an installation is looked at.
pub const INSTALL_LOOK: Duration = Duration::from_secs(1);
/// How often it is tried whether another gateway has ended its installation.
pub const INSTALL_LOCK_LOOK: Duration = Duration::from_millis(200);
/// How many packages are installed for one server by name.
pub const PACKAGES_MAX: usize = 32;
/// How long a file about packages is that is read.
pub const PACKAGE_FILE_BYTES_MAX: u64 = 16 << 20;
/// How many lines are told of an installation that failed.
pub const INSTALL_LINES_TOLD: usize = 6;
/// How much of them.
pub const INSTALL_CHARS_TOLD: usize = 900;
/// How large the file of a bundle may be.
pub const BUNDLE_BYTES_MAX: usize = 256 << 20;
/// How large it may be unpacked.
pub const BUNDLE_UNPACKED_BYTES_MAX: u64 = 1 << 30;
/// How many files and folders it may have.
pub const BUNDLE_PARTS_MAX: usize = 30_000;
/// How long the name of one may be, with its folders.
pub const BUNDLE_NAME_BYTES_MAX: usize = 512;
/// How long the list of them may be.
pub const BUNDLE_LIST_BYTES_MAX: usize = 16 << 20;
