//! A registry of images: Debian's, which is the reference implementation, as a process of the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

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
    fn put(&self, path: &str, kind: &str, body: &[u8]) -> String {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        let method = if path.ends_with("uploads/") {
            "POST"
        } else {
            "PUT"
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        std::io::Write::write_all(&mut stream, &[head.as_bytes(), body].concat()).unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
        said
    }

    /// An artifact by hand: a document below a manifest as Docker's tool writes them.
    pub(crate) fn artifact(&self, name: &str, tag: &str, kind: &str, document: &str) {
        let config = self.blob(name, "application/vnd.oci.empty.v1+json", b"{}");
        let layer = self.blob(name, "application/json", document.as_bytes());
        let mut manifest = manifest(&config, &layer);
        manifest["artifactType"] = json!(kind);
        self.manifest(name, tag, &manifest);
    }

    /// An image with these files in one layer, which starts these words; its digest.
    pub(crate) fn image(
        &self,
        name: &str,
        tag: &str,
        files: &[(String, Vec<u8>)],
        start: &[&str],
    ) -> String {
        let layer = archive(files);
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let config = json!({
            "os": "linux",
            "architecture": architecture,
            // Images of other names are other images.
            "config": {"Entrypoint": start, "Labels": {"name": name}},
            "rootfs": {"type": "layers", "diff_ids": [fetch::images::digest_of(&layer)]},
        });
        let kind = "application/vnd.oci.image.config.v1+json";
        let config = self.blob(name, kind, config.to_string().as_bytes());
        let layer = self.blob(name, "application/vnd.oci.image.layer.v1.tar", &layer);
        self.manifest(name, tag, &manifest(&config, &layer))
    }

    /// Signs an image as cosign does: what says its digest lies beside it, with a signature of that.
    pub(crate) fn sign(&self, name: &str, digest: &str, signer: &Signer) {
        let said = json!({"critical": {
            "identity": {"docker-reference": self.named(name)},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        }});
        let said = said.to_string();
        let config = self.blob(name, "application/vnd.oci.image.config.v1+json", b"{}");
        let kind = "application/vnd.dev.cosign.simplesigning.v1+json";
        let mut layer = self.blob(name, kind, said.as_bytes());
        let signature = signer.signature(said.as_bytes());
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": signature});
        let tag = format!("{}.sig", digest.replace(':', "-"));
        self.manifest(name, &tag, &manifest(&config, &layer));
    }

    fn blob(&self, name: &str, kind: &str, bytes: &[u8]) -> Value {
        let uploads = format!("/v2/{name}/blobs/uploads/");
        let said = self.put(&uploads, "application/json", b"");
        let mut lines = said.lines();
        let location = lines.find_map(|line| line.strip_prefix("Location: "));
        let path = location.unwrap().split_once(&self.address).unwrap().1;
        let digest = fetch::images::digest_of(bytes);
        let place = format!("{path}&digest={digest}");
        let said = self.put(&place, "application/octet-stream", bytes);
        assert!(said.starts_with("HTTP/1.1 201"), "{said}");
        json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
    }

    /// Its digest.
    fn manifest(&self, name: &str, tag: &str, manifest: &Value) -> String {
        let text = manifest.to_string();
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let said = self.put(
            &format!("/v2/{name}/manifests/{tag}"),
            kind,
            text.as_bytes(),
        );
        assert!(said.starts_with("HTTP/1.1 201"), "{said}");
        fetch::images::digest_of(text.as_bytes())
    }
}

fn manifest(config: &Value, layer: &Value) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    })
}

/// An archive as `tar` writes it, of programs that everybody may run.
fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, bytes) in files {
        let mut head = [0; 512];
        let mut put =
            |at: usize, text: &str| head[at..][..text.len()].copy_from_slice(text.as_bytes());
        put(0, path.trim_start_matches('/'));
        put(100, "0000755");
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{:011o}", bytes.len()));
        put(136, "00000000000");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar");
        put(263, "00");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(head);
        archive.extend(bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// Who signs images, with a key of their own.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    /// As `cosign` writes it.
    pub(crate) fn public_key(&self) -> String {
        let key = self.0.public_key().as_der().unwrap();
        let text = STANDARD.encode(key.as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }

    fn signature(&self, bytes: &[u8]) -> String {
        let signature = self.0.sign(&SystemRandom::new(), bytes).unwrap();
        STANDARD.encode(signature)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
