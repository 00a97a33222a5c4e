//! A box whose root is an image's, in the place of the machine's programs and libraries.
//!
//! Owns which parts of an image a box shows, and where: whatever the box makes itself stays its own (`/dev`, `/proc`, `/tmp`,
//! its accounts and home). Refuses levels without a root of their own.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::plan::{self, Item, Plan, User};
use super::{Level, NOBODY, SandboxLauncher, Shared, contents, doors_of};
use crate::limits::{BOX_OWNERS_MAX, BOX_PROXY_PORT, IMAGE_PARTS_MAX};
use crate::sandbox::BoxLimits;
use crate::spawn::{self, Boxed, Spawned};
use crate::{LaunchError, way_out};
use catalog::Resources;
use egress::{AllowList, Doors};

/// A program and the root that it runs in.
#[derive(Clone)]
pub(crate) struct Rooted {
    /// The files of its image; no links in the path.
    pub(crate) rootfs: PathBuf,
    /// What is started, looked up in the box.
    pub(crate) program: Vec<String>,
    /// With what.
    pub(crate) env: Vec<(String, String)>,
    /// Where, if the image has it.
    pub(crate) cwd: Option<String>,
    /// What of the machine is shown: from where, at which path, whether to write.
    pub(crate) mounts: Vec<(PathBuf, String, bool)>,
    pub(crate) resources: Resources,
    /// The hosts that it may reach; none: it has the machine's network.
    pub(crate) hosts: Option<AllowList>,
}

/// What the box makes itself.
const OURS: &[&str] = &["dev", "proc", "sys", "tmp"];
/// Of these, each thing is shown for itself, because the box makes some of them.
const TAKEN_APART: &[&str] = &["etc", "home"];
/// What of them the box makes.
const MADE: &[&str] = &[
    "group",
    "hostname",
    "hosts",
    "mtab",
    "nsswitch.conf",
    "passwd",
    "resolv.conf",
    "server",
];
/// Where programs are searched for if the image does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl SandboxLauncher {
    /// Whether a box can have a root of its own here; else why not.
    pub(crate) fn roots(&self) -> Result<(), String> {
        let probe = self.probe();
        match probe.level {
            Level::Namespaces => Ok(()),
            _ => Err(format!(
                "an image without a container engine needs namespaces, which cannot be had here ({}); install Docker or Podman",
                probe.missing.join("; ")
            )),
        }
    }

    /// Starts it, with these as its stdin, stdout and stderr.
    pub(crate) async fn start_rooted(
        &self,
        rooted: Rooted,
        ends: [OwnedFd; 3],
    ) -> Result<(Spawned, Option<Doors>), LaunchError> {
        let shared = self.shared.clone();
        let start = move || shared.start_rooted(&rooted, &ends);
        let (spawned, doors) = self.plain.starts.apart(start).await??;
        Ok((spawned, doors_of(doors)))
    }
}

impl Shared {
    fn start_rooted(
        &self,
        rooted: &Rooted,
        ends: &[OwnedFd; 3],
    ) -> Result<(Spawned, Vec<OwnedFd>), LaunchError> {
        let probe = self.probe();
        let user = probe.rootful.then_some(NOBODY);
        let no_box = |error: io::Error| LaunchError::NoBox {
            what: "the files of its image".to_owned(),
            error: Some(error),
        };
        let mut items = parts(&rooted.rootfs).map_err(no_box)?;
        if items.len() > IMAGE_PARTS_MAX {
            return Err(no_box(io::Error::other(format!(
                "there are more than {IMAGE_PARTS_MAX} in its root and /etc"
            ))));
        }
        for (from, at, writable) in &rooted.mounts {
            items.push(Item::Share {
                at: at.into(),
                from: from.into(),
                writable: *writable,
                users: None,
            });
        }
        let mut users = Vec::new();
        for item in &mut items {
            if let (
                Item::Share {
                    from, users: named, ..
                },
                Some(user),
            ) = (item, user)
            {
                *named = self.owner_seen_as(Path::new(from), user, &mut users)?;
            }
        }
        let (program, args) = rooted
            .program
            .split_first()
            .ok_or_else(|| no_box(io::ErrorKind::InvalidInput.into()))?;
        let mut env = rooted.env.clone();
        let mut add = |name: &str, value: String| {
            if !env.iter().any(|(own, _)| own == name) {
                env.push((name.to_owned(), value));
            }
        };
        add("PATH", PATH.to_owned());
        let network = match &rooted.hosts {
            Some(hosts) => {
                for (name, value) in way_out::variables(BOX_PROXY_PORT) {
                    add(name, value);
                }
                plan::Network::Own(Some(plan::Doors {
                    proxy: BOX_PROXY_PORT,
                    forwards: hosts.ports(),
                }))
            }
            None => {
                items.extend(contents::names());
                plan::Network::Machine
            }
        };
        let is_there = |cwd: &&String| inside(&rooted.rootfs, cwd).is_dir();
        let plan = Plan {
            level: probe.level,
            command: Some(plan::Command {
                program: program.into(),
                args: args.to_vec(),
                env: env
                    .into_iter()
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect(),
                cwd: Some(
                    rooted
                        .cwd
                        .as_ref()
                        .filter(is_there)
                        .map_or("/", String::as_str)
                        .into(),
                ),
            }),
            items,
            user,
            limits: BoxLimits::with(self.options.limits, &rooted.resources),
            network,
        };
        let boxed = Boxed {
            plan: plan.write().map_err(LaunchError::Pipes)?,
            users,
            program: program.into(),
        };
        spawn::spawn_boxed(&boxed, ends, &self.options.program)
    }

    /// Which of the namespaces makes the owner of something the server's user; none where it is that already.
    pub(super) fn owner_seen_as(
        &self,
        from: &Path,
        user: User,
        users: &mut Vec<Arc<OwnedFd>>,
    ) -> Result<Option<usize>, LaunchError> {
        let Ok(of) = fs::metadata(from) else {
            return Ok(None);
        };
        let owner = User {
            uid: of.uid(),
            gid: of.gid(),
        };
        if owner == user {
            return Ok(None);
        }
        let no_box = |error| LaunchError::NoBox {
            what: "a namespace of users".to_owned(),
            error: Some(error),
        };
        let namespace = self
            .owners
            .seen_as(owner, user, &self.options.program)
            .map_err(no_box)?;
        let known = users
            .iter()
            .position(|known| Arc::ptr_eq(known, &namespace));
        let at = known.unwrap_or_else(|| {
            users.push(namespace);
            users.len() - 1
        });
        match users.len() > BOX_OWNERS_MAX {
            true => Err(no_box(io::Error::other(format!(
                "what it sees belongs to more than {BOX_OWNERS_MAX} users; name less"
            )))),
            false => Ok(Some(at)),
        }
    }
}

/// What of an image is shown, read-only.
fn parts(rootfs: &Path) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    for part in children(rootfs)? {
        let name = part.file_name().unwrap_or_default().to_owned();
        let is_one_of = |names: &[&str]| names.iter().any(|one| name == *one);
        if is_one_of(OURS) {
            continue;
        }
        let is_folder = fs::symlink_metadata(&part)?.is_dir();
        if !(is_folder && is_one_of(TAKEN_APART)) {
            items.extend(item(rootfs, &part)?);
            continue;
        }
        for inner in children(&part)? {
            let name = inner.file_name().unwrap_or_default();
            if !MADE.iter().any(|made| name == *made) {
                items.extend(item(rootfs, &inner)?);
            }
        }
    }
    Ok(items)
}

/// In the order of their names, so that a box is the same each time; no more than are told of.
fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let all = fs::read_dir(folder)?.take(IMAGE_PARTS_MAX + 1);
    let mut all: Vec<PathBuf> = all
        .map(|child| Ok(child?.path()))
        .collect::<io::Result<_>>()?;
    all.sort();
    Ok(all)
}

fn item(rootfs: &Path, from: &Path) -> io::Result<Option<Item>> {
    let Ok(below) = from.strip_prefix(rootfs) else {
        return Ok(None);
    };
    let at = Path::new("/").join(below).into();
    let about = fs::symlink_metadata(from)?;
    Ok(if about.is_symlink() {
        let to = fs::read_link(from)?.into();
        Some(Item::Link { at, to })
    } else if about.is_dir() || about.is_file() {
        Some(Item::Share {
            at,
            from: from.into(),
            writable: false,
            users: None,
        })
    } else {
        None
    })
}

/// A path of the box among the files of its image, as far as no link leads elsewhere.
fn inside(rootfs: &Path, path: &str) -> PathBuf {
    rootfs.join(path.trim_start_matches('/'))
}
