//! What a container is created with.
//!
//! Owns every restriction: pure, from what an entry declares and an image says to the body of one request. What the
//! server is started with is not in it, see `enter`. Whatever is not set here is the engine's default.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::declared::{Declared, Way};
use super::engine::Engine;
use super::enter;
use super::image::Image;
use super::network;
use super::volumes::What;
use crate::limits::{BOX_PROXY_PORT, BOX_SCRATCH_FILES};
use crate::sandbox::BoxLimits;

/// Whom a server is where nothing else is said: the user that images without users of their own have.
const NOBODY: &str = "65532:65532";

/// Who a container belongs to, as its labels say.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// The gateway, as the registry of running gateways knows it.
    pub(super) id: String,
    /// Which registry: two homes are two worlds.
    pub(super) registry: String,
}

/// The labels of our containers.
pub(super) const OWNER: &str = "portolan.owner";
pub(super) const REGISTRY: &str = "portolan.registry";
pub(super) const SERVER: &str = "portolan.server";
const IMAGE: &str = "portolan.image";

pub(super) struct Plan<'a> {
    pub(super) server: &'a str,
    pub(super) declared: &'a Declared,
    pub(super) image: &'a Image,
    pub(super) engine: &'a Engine,
    pub(super) limits: BoxLimits,
    pub(super) owner: &'a Owner,
    /// Where `enter` is on this machine.
    pub(super) enter: &'a Path,
    /// Where a listener of its network is handed over, if that is wanted.
    pub(super) door: Option<&'a Path>,
}

impl Plan<'_> {
    /// As whom it runs: as the entry says, else as the image does; else whoever owns the folder that it is to write
    /// in, for root without its rights could not; else nobody. A volume of the engine belongs to root until somebody
    /// gives it away, so that who writes to one stays root.
    pub(super) fn user(&self) -> Option<String> {
        if let Some(user) = &self.declared.user {
            return Some(user.clone());
        }
        if self.image.user().is_some() {
            return None;
        }
        let mut writes = self.declared.mounts.iter().filter(|mount| mount.writable);
        match writes.next().map(|mount| &mount.what) {
            Some(What::Named(_)) => None,
            // There root is the person.
            Some(What::Bind { .. }) if self.engine.rootless => None,
            Some(What::Bind { owner: (0, _), .. }) => None,
            Some(What::Bind {
                owner: (uid, gid), ..
            }) => Some(format!("{uid}:{gid}")),
            None if self.declared.is_writable => None,
            None => Some(NOBODY.to_owned()),
        }
    }

    /// The environment that it is started with, beside the image's.
    pub(super) fn environment(&self, proxy_port: Option<u16>) -> Vec<(String, String)> {
        let mut env = self.declared.env.clone();
        let mut add = |name: &str, value: String| {
            if !env.iter().any(|(own, _)| own == name) {
                env.push((name.to_owned(), value));
            }
        };
        // The image does not know this user, so that its home would be the root, which cannot be written.
        if self.declared.user.is_none() && self.user().is_some() {
            add("HOME", "/tmp".to_owned());
        }
        for (name, value) in proxy_port.into_iter().flat_map(crate::way_out::variables) {
            add(name, value);
        }
        env
    }

    /// The body of the request.
    pub(super) fn body(&self) -> Value {
        let limits = &self.limits;
        let scratch = format!(
            "nosuid,nodev,mode=1777,size={}{}",
            limits.scratch_bytes,
            // There what they weigh counts as memory of the container, and nothing else does.
            match self.engine.is_podman {
                true => String::new(),
                false => format!(",nr_inodes={BOX_SCRATCH_FILES}"),
            }
        );
        let mut mounts: Vec<Value> = vec![json!({
            "Type": "bind",
            "Source": self.enter,
            "Target": enter::AT,
            "ReadOnly": true,
        })];
        if let Some(door) = self.door {
            mounts.push(json!({
                "Type": "bind",
                "Source": door,
                "Target": network::AT,
                "ReadOnly": true,
            }));
        }
        mounts.extend(self.declared.mounts.iter().map(|mount| {
            let (kind, source) = match &mount.what {
                What::Bind { source, .. } => ("bind", json!(source)),
                What::Named(name) => ("volume", json!(name)),
            };
            json!({
                "Type": kind,
                "Source": source,
                "Target": mount.target,
                "ReadOnly": !mount.writable,
            })
        }));
        let labels: Map<String, Value> = [
            (OWNER, &*self.owner.id),
            (REGISTRY, &*self.owner.registry),
            (SERVER, self.server),
            (IMAGE, &*self.declared.image),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
        json!({
            // Not the name: that may mean another image by now.
            "Image": self.image.id,
            "Entrypoint": [enter::AT],
            "Cmd": match self.door {
                Some(_) => json!([BOX_PROXY_PORT.to_string(), network::AT]),
                None => json!([]),
            },
            "Env": [],
            "User": self.user(),
            "Labels": labels,
            "AttachStdin": true,
            "AttachStdout": true,
            "AttachStderr": true,
            "OpenStdin": true,
            // With us goes the server's standard input, however we end.
            "StdinOnce": true,
            "Tty": false,
            "Healthcheck": { "Test": ["NONE"] },
            "HostConfig": {
                "AutoRemove": true,
                "NetworkMode": match self.declared.way {
                    Way::None | Way::Proxy(_) => "none",
                    Way::Open => "default",
                },
                "ExtraHosts": self.declared.extra_hosts,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": !self.declared.is_writable,
                "Tmpfs": {
                    "/tmp": format!("rw,exec,{scratch}"),
                    "/dev/shm": format!("rw,noexec,{scratch}"),
                },
                "Mounts": mounts,
                "Memory": limits.memory_bytes,
                // The same as memory: nothing of it in swap.
                "MemorySwap": limits.memory_bytes,
                "NanoCpus": u64::from(limits.cpu_millis) * 1_000_000,
                "PidsLimit": limits.processes,
                "Ulimits": [{
                    "Name": "nofile",
                    "Soft": limits.open_files,
                    "Hard": limits.open_files,
                }, { "Name": "core", "Soft": 0, "Hard": 0 }],
                "IpcMode": "private",
                "CgroupnsMode": "private",
                // What it says goes to us alone, and is not kept on the disk.
                "LogConfig": { "Type": "none" },
            },
        })
    }
}

#[cfg(test)]
mod tests;
