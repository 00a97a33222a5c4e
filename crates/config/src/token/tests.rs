//! Tokens on a real disk.

use std::fs;
use std::sync::Barrier;

use super::*;

fn made(dirs: &Dirs, env: &[(&str, &str)]) -> Result<(String, bool), TokenError> {
    load_or_create(dirs, &Env::of(env.iter().copied()))
        .map(|(token, created)| (token.reveal().to_owned(), created))
}

#[test]
fn a_token_is_made_once_and_kept() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    let (first, created) = made(&dirs, &[]).unwrap();
    assert!(created);
    assert_eq!(URL_SAFE_NO_PAD.decode(&first).unwrap().len(), 32);
    assert_eq!(made(&dirs, &[]).unwrap(), (first.clone(), false));
    assert_ne!(
        made(&Dirs::under(&temp.path().join("other")), &[])
            .unwrap()
            .0,
        first
    );
}

#[cfg(unix)]
#[test]
fn its_file_is_closed_and_one_that_is_open_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    made(&dirs, &[]).unwrap();
    let file = dirs.token_file();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&dirs.state)), (0o600, 0o700));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = made(&dirs, &[]).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn the_environment_comes_first() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(&temp.path().join("home"));
    let file = temp.path().join("mounted");
    fs::write(&file, "from-file\n").unwrap();
    let file = file.to_str().unwrap();
    let all = [
        ("PORTOLAN_AUTH_TOKEN", "ours"),
        ("MCP_GATEWAY_AUTH_TOKEN", "docker"),
        ("PORTOLAN_AUTH_TOKEN_FILE", file),
    ];
    assert_eq!(made(&dirs, &all).unwrap(), ("ours".into(), false));
    assert_eq!(made(&dirs, &all[1..]).unwrap(), ("docker".into(), false));
    assert_eq!(made(&dirs, &all[2..]).unwrap(), ("from-file".into(), false));
    assert!(
        made(
            &dirs,
            &[("PORTOLAN_AUTH_TOKEN", ""), ("MCP_GATEWAY_AUTH_TOKEN", "")]
        )
        .unwrap()
        .1
    );
}

#[test]
fn what_could_not_travel_in_a_header_is_no_token() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    for text in ["two words", "line\nbreak", "é", " "] {
        let error = made(&dirs, &[("PORTOLAN_AUTH_TOKEN", text)]).unwrap_err();
        assert!(
            matches!(&error, TokenError::Unusable(place) if place == "PORTOLAN_AUTH_TOKEN"),
            "{error}"
        );
        assert!(!error.to_string().contains(text) || text == " ");
    }
    private_dir(&dirs.state).unwrap();
    create_atomic(&dirs.token_file(), b"\n", 0o600).unwrap();
    assert!(matches!(made(&dirs, &[]), Err(TokenError::Unusable(_))));
    fs::remove_file(dirs.token_file()).unwrap();
    create_atomic(&dirs.token_file(), &[b'x'; 5_000], 0o600).unwrap();
    assert!(matches!(made(&dirs, &[]), Err(TokenError::File { .. })));
    let missing = made(&dirs, &[("PORTOLAN_AUTH_TOKEN_FILE", "/no/such/file")]);
    assert!(
        matches!(missing, Err(TokenError::File { .. })),
        "a file that somebody named is not made up"
    );
}

#[test]
fn gateways_that_start_together_have_one_token() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    let start = Barrier::new(8);
    let tokens: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    made(&dirs, &[]).unwrap()
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|(token, _)| *token == tokens[0].0));
    assert_eq!(tokens.iter().filter(|(_, created)| *created).count(), 1);
}

#[test]
fn a_token_matches_itself_only_and_is_not_printed() {
    let token = Token::new("s3cret").unwrap();
    assert!(token.matches("s3cret"));
    for other in ["", "s3cre", "s3crets", "S3cret"] {
        assert!(!token.matches(other));
    }
    assert_eq!(format!("{token:?}"), "Token(***)");
}
