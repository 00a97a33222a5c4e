//! Registries of images: tokens, digests, and where a name may lead.

use super::{Fake, Server, Step, document, moved};
use crate::images::{ImageError, ImageName, Registries, digest_of};
use crate::{Limits, Trust, Why};

const TEXT: &str = "{\"layers\":[]}";

fn refused(status: &str, header: &str) -> Step {
    Step::Say(format!(
        "HTTP/1.1 {status} No\r\n{header}Content-Length: 0\r\n\r\n"
    ))
}

/// As a person has it who runs a registry on this machine.
async fn asked<const N: usize>(
    steps: [(&str, Step); N],
    reference: &str,
) -> (Result<String, ImageError>, Server) {
    let server = Server::start(steps).await;
    let name = ImageName::parse(&format!("{}/a/b", server.address)).unwrap();
    let registries = Registries::new(Trust::Person);
    let got = registries.manifest(&name, reference).await;
    (got.map(|manifest| manifest.digest), server)
}

#[tokio::test]
async fn what_came_is_what_its_digest_says() {
    let digest = digest_of(TEXT.as_bytes());
    let at = format!("/v2/a/b/manifests/{digest}");
    let (got, server) = asked([(&*at, document(TEXT))], &digest).await;
    assert_eq!(got.unwrap(), digest);
    assert!(
        server.heads()[0]
            .to_lowercase()
            .contains("accept: application/vnd.oci.image.index")
    );
    let (got, _) = asked([(&*at, document("{\"layers\":[1]}"))], &digest).await;
    assert!(matches!(got, Err(ImageError::Digest { .. })));
    let (got, _) = asked([("/v2/a/b/manifests/1", document(TEXT))], "1").await;
    assert_eq!(got.unwrap(), digest);

    let blob = format!("/v2/a/b/blobs/{digest}");
    let server = Server::start([
        (&*blob, moved("/elsewhere")),
        ("/elsewhere", document(TEXT)),
    ])
    .await;
    let name = ImageName::parse(&format!("{}/a/b", server.address)).unwrap();
    let registries = Registries::new(Trust::Person);
    for (most, is_good) in [(13, true), (12, false)] {
        let mut out = Vec::new();
        let got = registries
            .blob(&name, &digest, most, &mut |piece| {
                out.extend_from_slice(piece);
                Ok(())
            })
            .await;
        assert_eq!(
            (got.is_ok(), out.len() == 13),
            (is_good, is_good),
            "{got:?}"
        );
    }
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let mut full = Some(full);
    let got = registries
        .blob(&name, &digest, 99, &mut |_| Err(full.take().unwrap()))
        .await;
    assert!(matches!(got, Err(ImageError::Kept(_))), "{got:?}");
}

#[tokio::test]
async fn strangers_get_a_token_and_it_goes_no_further() {
    // The registry says where; a way without https has to be its own.
    let server = Server::start([(
        "/token?service=r&scope=repository%3Aa%2Fb%3Apull",
        document("{\"token\":\"t0ken\"}"),
    )])
    .await;
    let realm = format!(
        "WWW-Authenticate: Bearer realm=\"http://{}/token\",service=\"r\"\r\n",
        server.address
    );
    let (got, asking) = asked([("/v2/a/b/manifests/1", refused("401", &realm))], "1").await;
    let Err(ImageError::Registry {
        why: Why::Insecure, ..
    }) = got
    else {
        panic!("{got:?}");
    };
    assert_eq!((server.heads().len(), asking.heads().len()), (0, 1));

    // Over https it may be anywhere; here both are behind one address.
    let server = Server::start([
        (
            "/v2/a/b/manifests/1",
            refused(
                "401",
                "WWW-Authenticate: Bearer realm=\"https://auth.test/t\"\r\n",
            ),
        ),
        (
            "/t?scope=repository%3Aa%2Fb%3Apull",
            document("{\"token\":\"t0ken\"}"),
        ),
    ])
    .await;
    let public: &[&[&str]] = &[&[super::PUBLIC]];
    let net = Fake::new(&server, &[("registry.test", public), ("auth.test", public)]);
    let registries = Registries::over(net.client_with(Limits::default()), Trust::Outside);
    let name = ImageName::parse("registry.test/a/b").unwrap();
    let got = registries.manifest(&name, "1").await;
    assert!(matches!(got, Err(ImageError::Missing(_))), "{got:?}");
    let heads = server.heads();
    assert_eq!(heads.len(), 3);
    let has_token = |head: &String| head.contains("Bearer t0ken");
    assert_eq!(
        heads.iter().map(has_token).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[tokio::test]
async fn each_refusal_is_told_for_what_it_is() {
    let at = "/v2/a/b/manifests/1";
    for (step, says) in [
        (refused("404", ""), "no such image"),
        (
            refused("401", "WWW-Authenticate: Basic realm=\"x\"\r\n"),
            "wants an account",
        ),
        (refused("500", ""), "status 500"),
        (Step::Raw(b"nonsense"), "cannot be used"),
    ] {
        let (got, _) = asked([(at, step)], "1").await;
        let error = got.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    // What somebody else names does not lead into this machine.
    let name = ImageName::parse("127.0.0.1:1/a/b").unwrap();
    let got = Registries::new(Trust::Outside).manifest(&name, "1").await;
    let Err(ImageError::Registry {
        why: Why::NotPublic(_),
        ..
    }) = got
    else {
        panic!("{got:?}");
    };
}
