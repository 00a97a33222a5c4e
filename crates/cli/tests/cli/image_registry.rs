//! A registry of images: Debian's, which is the reference implementation, as a process of the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;

/// A registry on a port of its own.
pub(crate) struct Registry {
    process: Child,
    pub(crate) address: String,
    _folder: tempfile::TempDir,
}

impl Registry {
    /// None where this machine has no such program.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yml");
        let root = folder.path().join("data");
        let text = format!(
            "version: 0.1\nlog: {{level: info, formatter: json}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n",
            root.display()
        );
        std::fs::write(&file, text).unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "a test starts what it is tried against"
        )]
        let started = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut process) = started else {
            return None;
        };
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = log.next().unwrap().unwrap();
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split('"').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || log.for_each(drop));
        Some(Self {
            process,
            address,
            _folder: folder,
        })
    }

    pub(crate) fn named(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Puts bytes there as anybody can, and gives what is said.
    fn put(&self, path: &str, kind: &str, body: &str) -> String {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        let method = if path.ends_with("uploads/") {
            "POST"
        } else {
            "PUT"
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
        said
    }

    /// An artifact by hand: a document below a manifest as Docker's tool writes them.
    pub(crate) fn artifact(&self, name: &str, tag: &str, kind: &str, document: &str) {
        let blob = |text: &str| {
            let said = self.put(
                &format!("/v2/{name}/blobs/uploads/"),
                "application/json",
                "",
            );
            let location = said
                .lines()
                .find_map(|line| line.strip_prefix("Location: "))
                .unwrap();
            let path = location.split_once(&self.address).unwrap().1;
            let digest = fetch::images::digest_of(text.as_bytes());
            let said = self.put(
                &format!("{path}&digest={digest}"),
                "application/octet-stream",
                text,
            );
            assert!(said.starts_with("HTTP/1.1 201"), "{said}");
            json!({"mediaType": "application/json", "digest": digest, "size": text.len()})
        };
        let mut config = blob("{}");
        config["mediaType"] = json!("application/vnd.oci.empty.v1+json");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": kind,
            "config": config,
            "layers": [blob(document)],
        });
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let said = self.put(
            &format!("/v2/{name}/manifests/{tag}"),
            kind,
            &manifest.to_string(),
        );
        assert!(said.starts_with("HTTP/1.1 201"), "{said}");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
