//! Files and folders on a real disk.

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("f");
    write_atomic(&file, b"one", 0o600).unwrap();
    write_atomic(&file, b"two", 0o644).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"two");
    assert_eq!(names(temp.path()), ["f"]);
    assert!(write_atomic(&temp.path().join("no/f"), b"", 0o600).is_err());
    assert!(
        write_atomic(temp.path(), b"", 0o600).is_err(),
        "a folder is not replaced"
    );
    assert_eq!(names(temp.path()), ["f"]);
}

#[cfg(unix)]
#[test]
fn modes_are_exact_for_new_files_and_kept_for_old_ones() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("f");
    write_atomic(&file, b"one", 0o666).unwrap();
    assert_eq!(mode(&file), 0o666, "whatever the umask");
    set_mode(&file, 0o640);
    write_atomic(&file, b"two", 0o600).unwrap();
    assert_eq!(mode(&file), 0o640);
}

#[cfg(unix)]
#[test]
fn links_are_followed() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir(temp.path().join("dotfiles")).unwrap();
    let (link, real) = (temp.path().join("link"), temp.path().join("dotfiles/real"));
    std::os::unix::fs::symlink("dotfiles/real", &link).unwrap();
    write_atomic(&link, b"one", 0o600).unwrap();
    write_atomic(&link, b"two", 0o600).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&real).unwrap(), b"two");
    assert_eq!(names(&temp.path().join("dotfiles")), ["real"]);
}

#[test]
fn a_new_file_never_replaces_one() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("f");
    create_atomic(&file, b"one", 0o600).unwrap();
    let error = create_atomic(&file, b"two", 0o600).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(
        (
            fs::read(&file).unwrap().as_slice(),
            names(temp.path()).len()
        ),
        (&b"one"[..], 1)
    );
}

#[test]
fn reading_is_bounded() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("f");
    fs::write(&file, "12345").unwrap();
    assert_eq!(read_bounded(&file, 5).unwrap(), b"12345");
    assert_eq!(
        read_bounded(&file, 4).unwrap_err().kind(),
        io::ErrorKind::FileTooLarge
    );
}

#[cfg(unix)]
#[test]
fn private_folders_are_closed_and_links_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("a/b");
    private_dir(&folder).unwrap();
    assert_eq!(
        (mode(&folder), mode(folder.parent().unwrap())),
        (0o700, 0o700)
    );
    set_mode(&folder, 0o755);
    private_dir(&folder).unwrap();
    assert_eq!(mode(&folder), 0o700);
    let link = temp.path().join("link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    assert!(private_dir(&link).is_err());
    fs::write(temp.path().join("file"), "").unwrap();
    assert!(private_dir(&temp.path().join("file")).is_err());
}
