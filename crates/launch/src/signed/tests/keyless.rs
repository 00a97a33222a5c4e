//! From the words of a rule to a verdict, before a registry that has a bundle of an authority and logs that were made for it.
//! (`keyless.json` has both; nobody has their keys any more.)

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::*;

const MADE: &str = include_str!("keyless.json");
const IDENTITY: &str = "https://ci.test/acme/build.yml@refs/heads/main";
const ISSUER: &str = "https://token.ci.test";

/// Answers this many requests with what lies at each path, else that there is nothing.
fn registry(there: Vec<(String, String)>, requests: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut piece = [0; 1024];
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                let read = stream.read(&mut piece).unwrap();
                head.extend_from_slice(&piece[..read]);
            }
            let head = String::from_utf8(head).unwrap();
            let path = head.split(' ').nth(1).unwrap();
            let answer = match there.iter().find(|(at, _)| at == path) {
                Some((_, body)) => {
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                }
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// What of a registry an image of this digest has, with a bundle that refers to it.
fn signed(digest: &str, bundle: &str) -> Vec<(String, String)> {
    let manifest = json!({
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "layers": [{"digest": digest_of(bundle.as_bytes())}],
    })
    .to_string();
    let referrer = digest_of(manifest.as_bytes());
    let index = json!({"manifests": [{"digest": referrer}]}).to_string();
    vec![
        (format!("/v2/a/b/referrers/{digest}"), index),
        (format!("/v2/a/b/manifests/{referrer}"), manifest),
        (
            format!("/v2/a/b/blobs/{}", digest_of(bundle.as_bytes())),
            bundle.to_owned(),
        ),
    ]
}

#[tokio::test]
async fn whom_a_rule_names_has_to_have_signed() {
    let made: Value = serde_json::from_str(MADE).unwrap();
    let digest = format!("sha256:{}", "a".repeat(64));
    let address = registry(signed(&digest, &made["bundle"].to_string()), 12);
    let image = format!("{address}/a/b:1");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("root.json"), made["root"].to_string()).unwrap();
    let check = async |rule: &str, image: &str| {
        let signers = Signers {
            folder: folder.path().join("signatures"),
            home: Some(folder.path().to_owned()),
            ..signers(&[rule], false)
        };
        let digest = Some(digest.as_str());
        signers.check(&entry(), image, digest, Trust::Person).await
    };
    let theirs = format!("*=keyless:{IDENTITY} issuer {ISSUER} root ~/root.json");
    // By the public instance this authority is not known.
    let public = theirs.replace(" root ~/root.json", "");
    let why = check(&public, &image).await.unwrap_err();
    assert!(
        why.contains("it is signed, and not by them: no log of signatures that the trust root"),
        "{why}"
    );
    let others = theirs.replace("acme", "other");
    let why = check(&others, &image).await.unwrap_err();
    assert!(
        why.contains(&format!(
            "has to be signed by \"keyless:{}\" (`image_keys`: *), and it is signed, and not by them: it is signed by \"{IDENTITY}\" of the issuer \"{ISSUER}\"",
            others.trim_start_matches("*=keyless:")
        )),
        "{why}"
    );
    check(&theirs, &image).await.unwrap();
    // What was found once holds without the registry, and for them alone.
    let gone = "127.0.0.1:1/a/b:1";
    check(&theirs, gone).await.unwrap();
    let why = check(&others, gone).await.unwrap_err();
    assert!(why.contains("its signatures could not be read"), "{why}");
}
