//! Documents in registries: what is taken for one, and how one gets there.

use super::{Server, Step, document};
use crate::images::{
    Account, ArtifactError, ArtifactKind, ImageError, ImageName, Registries, digest_of,
};
use crate::limits::ARTIFACT_BYTES_MAX;

const TEXT: &str = "{\"title\":\"Ours\",\"servers\":[]}";
const PROFILE: &str = "application/vnd.docker.mcp.profile.v1+json";
const CATALOG: &str = "application/vnd.docker.mcp.catalog.v1+json";

/// A manifest as Docker's tool writes it.
fn manifest(kind: &str, digest: &str, size: usize) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"{kind}","config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{}","size":2}},"layers":[{{"mediaType":"application/json","digest":"{digest}","size":{size}}}]}}"#,
        digest_of(b"{}")
    )
}

fn good() -> String {
    manifest(CATALOG, &digest_of(TEXT.as_bytes()), TEXT.len())
}

/// Pulls a catalog of this manifest, from a registry that has the text under its digest.
async fn pulled(manifest: &str, blob: &str) -> Result<String, ArtifactError> {
    let path = format!("/v2/a/b/blobs/{}", digest_of(TEXT.as_bytes()));
    let server = Server::start([
        ("/v2/a/b/manifests/1", document(manifest)),
        (&*path, document(blob)),
    ])
    .await;
    let name = ImageName::parse(&format!("{}/a/b:1", server.address)).unwrap();
    let registries = Registries::for_artifacts(None);
    let got = registries.pull_artifact(&name, ArtifactKind::Catalog).await;
    got.map(|got| {
        assert_eq!(got.digest, digest_of(manifest.as_bytes()));
        got.text
    })
}

#[tokio::test]
async fn what_docker_pushed_is_pulled() {
    assert_eq!(pulled(&good(), TEXT).await.unwrap(), TEXT);
}

#[tokio::test]
async fn whatever_else_it_is_is_told() {
    let digest = digest_of(TEXT.as_bytes());
    let replaced = |from: &str, to: &str| {
        let text = good();
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    for (manifest, says) in [
        (
            manifest(PROFILE, &digest, TEXT.len()),
            "this is a profile and no catalog",
        ),
        (
            replaced("v1+json\",\"config", "v2+json\",\"config"),
            "a version that is not known",
        ),
        (
            replaced(CATALOG, "application/x"),
            "it is no catalog, but of the type application/x",
        ),
        (
            replaced(&format!("\"artifactType\":\"{CATALOG}\","), ""),
            "it is no catalog, but an image",
        ),
        (
            "{\"schemaVersion\":2,\"manifests\":[]}".to_owned(),
            "but an image",
        ),
        ("{}".to_owned(), "it says no type"),
        ("[".to_owned(), "its manifest is broken"),
        (
            replaced("\"schemaVersion\":2", "\"schemaVersion\":3"),
            "of version 2",
        ),
        (
            replaced("image.manifest.v1", "image.index.v1"),
            "no OCI image manifest",
        ),
        (
            replaced("\"layers\":[", "\"layers\":[],\"other\":["),
            "not exactly one document",
        ),
        (
            replaced("application/json", "application/x-tar"),
            "its document is application/x-tar",
        ),
        (replaced(&digest, "md5:x"), "no digest that can be checked"),
        (
            replaced(
                "\"artifactType\"",
                "\"artifactType\":\"x\",\"artifactType\"",
            ),
            "duplicate field",
        ),
        (
            self::manifest(CATALOG, &digest, ARTIFACT_BYTES_MAX + 1),
            "at most",
        ),
        (
            self::manifest(CATALOG, &digest, TEXT.len() - 1),
            "has not the",
        ),
        (
            self::manifest(CATALOG, &digest, TEXT.len() + 1),
            "has not the",
        ),
    ] {
        let told = pulled(&manifest, TEXT).await.unwrap_err().to_string();
        assert!(told.contains(says), "{says}: {told}");
    }
    // What came is not what the manifest says.
    let other = TEXT.replace("Ours", "Evil");
    let told = pulled(&good(), &other).await.unwrap_err();
    assert!(
        matches!(told, ArtifactError::Image(ImageError::Digest { .. })),
        "{told}"
    );
}

/// A registry that takes what is put into it, less what the second list says.
async fn registry(said: &[(&str, &str)]) -> Server {
    let say = |head: &str| Step::Say(format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n"));
    let step = |path: &str, usual: &str| {
        let said = said.iter().find(|(other, _)| *other == path);
        say(said.map_or(usual, |(_, head)| head))
    };
    let put = |bytes: &str| {
        format!(
            "/v2/a/b/up?x=1&digest={}",
            digest_of(bytes.as_bytes()).replace(':', "%3A")
        )
    };
    let (empty, text) = (put("{}"), put(TEXT));
    Server::start([
        (
            "/v2/a/b/blobs/uploads/",
            step("uploads", "202 Accepted\r\nLocation: /v2/a/b/up?x=1"),
        ),
        (&*empty, step("blob", "201 Created")),
        (&*text, step("blob", "201 Created")),
        ("/v2/a/b/manifests/1", step("manifest", "201 Created")),
    ])
    .await
}

async fn pushed(server: &Server, account: Option<Account>) -> Result<String, ArtifactError> {
    let name = ImageName::parse(&format!("{}/a/b:1", server.address)).unwrap();
    let registries = Registries::for_artifacts(account);
    registries
        .push_artifact(&name, ArtifactKind::Catalog, TEXT)
        .await
}

#[tokio::test]
async fn what_is_pushed_is_what_docker_reads() {
    let server = registry(&[]).await;
    let digest = pushed(&server, None).await.unwrap();
    assert_eq!(digest, digest_of(good().as_bytes()));
    let heads = server.heads();
    assert_eq!(heads.len(), 5);
    assert!(
        heads[4].starts_with("PUT ") && heads[4].ends_with(&good()),
        "{}",
        heads[4]
    );
    assert!(heads[3].ends_with(TEXT), "{}", heads[3]);
}

#[tokio::test]
async fn what_a_registry_does_not_take_is_told_in_its_words() {
    let account = "401 No\r\nWWW-Authenticate: Basic realm=\"x\"";
    for (path, head, says) in [
        ("uploads", "405 No", "does not take it: status 405"),
        ("uploads", "202 Ok", "no place to send it to"),
        (
            "uploads",
            "202 Ok\r\nLocation: http://127.0.0.1:1/x",
            "http://127.0.0.1:1/x, which nobody named",
        ),
        ("uploads", account, "wants an account"),
        ("uploads", "403 No", "wants an account"),
        ("blob", "500 No", "status 500"),
        ("manifest", "400 No", "status 400"),
    ] {
        let server = registry(&[(path, head)]).await;
        let told = pushed(&server, None).await.unwrap_err().to_string();
        assert!(told.contains(says), "{path} {head}: {told}");
    }
    let large = "x".repeat(ARTIFACT_BYTES_MAX + 1);
    let name = ImageName::parse("127.0.0.1:1/a").unwrap();
    let registries = Registries::for_artifacts(None);
    let told = registries.push_artifact(&name, ArtifactKind::Profile, &large);
    assert!(matches!(told.await, Err(ArtifactError::Large(_))));
}

#[tokio::test]
async fn an_account_goes_where_it_is_asked_for_and_is_never_shown() {
    let account = Account::new("bWU6aHVudGVyMg==").unwrap();
    assert_eq!(format!("{account:?}"), "Account(***)");
    for bad in ["", "a b", "a\r\nb", "ä"] {
        assert!(Account::new(bad).is_none(), "{bad:?}");
    }
    let asks = "401 No\r\nWWW-Authenticate: Basic realm=\"x\"";
    let server = registry(&[("uploads", asks)]).await;
    pushed(&server, Some(account)).await.unwrap_err();
    let shown: Vec<bool> = server
        .heads()
        .iter()
        .map(|head| head.contains("Basic bWU6aHVudGVyMg=="))
        .collect();
    // Not before it is asked for.
    assert_eq!(shown, [false, true]);
}
