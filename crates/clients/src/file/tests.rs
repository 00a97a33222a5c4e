use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::entry::Door;
use crate::table::find;

struct Home {
    _folder: tempfile::TempDir,
    dirs: Dirs,
    file: PathBuf,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    Home {
        dirs: Dirs::under(&folder.path().join("portolan")),
        file: folder.path().join(".cursor/mcp.json"),
        _folder: folder,
    }
}

impl Home {
    fn connect(&self, args: &[&str]) -> Result<Change, FileError> {
        let door = Door::Stdio {
            command: "/bin/portolan".into(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        };
        let client = find("cursor").unwrap();
        let members = client.entry("portolan", &door).unwrap();
        connect(&self.dirs, client, &self.file, "portolan", &members, false)
    }

    fn disconnect(&self) -> Result<Change, FileError> {
        disconnect(
            &self.dirs,
            find("cursor").unwrap(),
            &self.file,
            "portolan",
            false,
        )
    }

    fn look(&self) -> Connection {
        look(find("cursor").unwrap(), &self.file, "portolan")
    }

    fn put(&self, text: &str) {
        fs::create_dir_all(self.file.parent().unwrap()).unwrap();
        fs::write(&self.file, text).unwrap();
    }
}

#[test]
fn a_file_that_we_made_goes_again() {
    let home = home();
    assert_eq!(home.look(), Connection::No);
    let made = home.connect(&["gateway", "run"]).unwrap();
    assert_eq!((made.before, made.backup), (None, None));
    assert!(matches!(home.look(), Connection::Yes(_)));
    home.disconnect().unwrap();
    assert!(!home.file.parent().unwrap().exists());

    // What others put there stays.
    home.connect(&[]).unwrap();
    let other = home.file.with_file_name("other");
    fs::write(&other, "").unwrap();
    home.disconnect().unwrap();
    assert!(!home.file.exists() && other.exists());
}

#[test]
fn connected_twice_and_then_not_the_file_is_what_it_was() {
    let home = home();
    let before = "{\"mcpServers\":{}} // mine";
    home.put(before);
    fs::set_permissions(&home.file, fs::Permissions::from_mode(0o640)).unwrap();
    let first = home.connect(&["gateway", "run"]).unwrap();
    assert_eq!(fs::read_to_string(first.backup.unwrap()).unwrap(), before);
    assert!(home.connect(&["gateway", "run"]).unwrap().is_none());
    assert!(
        !home
            .connect(&["gateway", "run", "--profile", "dev"])
            .unwrap()
            .is_none()
    );
    home.disconnect().unwrap();
    assert_eq!(fs::read_to_string(&home.file).unwrap(), before);
    assert_eq!(
        fs::metadata(&home.file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(home.disconnect().unwrap().is_none());
    let copies = fs::read_dir(folder(&home.dirs).join("backups"))
        .unwrap()
        .count();
    assert_eq!(copies, 1);
}

#[test]
fn a_link_is_followed_and_stays_one() {
    let home = home();
    home.put("{}");
    let real = home.file.with_file_name("real.json");
    fs::rename(&home.file, &real).unwrap();
    symlink("real.json", &home.file).unwrap();
    home.connect(&[]).unwrap();
    assert!(fs::symlink_metadata(&home.file).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("portolan"));
}

#[test]
fn a_broken_file_stays_as_it_is() {
    let home = home();
    for text in [&b"{\"mcpServers\": {"[..], b"\xff\xfe", b"[]"] {
        fs::create_dir_all(home.file.parent().unwrap()).unwrap();
        fs::write(&home.file, text).unwrap();
        assert!(matches!(home.look(), Connection::Broken(_)));
        home.connect(&[]).unwrap_err();
        home.disconnect().unwrap_err();
        assert_eq!(fs::read(&home.file).unwrap(), text);
    }
}

#[test]
fn a_dry_run_touches_nothing() {
    let home = home();
    let client = find("cursor").unwrap();
    let members = vec![("command".to_owned(), "x".into())];
    let change = connect(&home.dirs, client, &home.file, "portolan", &members, true).unwrap();
    assert!(change.after.unwrap().contains("\"command\": \"x\""));
    assert!(!home.file.exists());
}

#[test]
fn many_at_once_leave_a_whole_file() {
    let home = home();
    home.put("{\n  \"mcpServers\": {\n    \"a\": {}\n  }\n}\n");
    std::thread::scope(|scope| {
        for at in 0..8 {
            let home = &home;
            scope.spawn(move || {
                for _ in 0..5 {
                    home.connect(&["--profile", &at.to_string()]).unwrap();
                    home.disconnect().unwrap();
                }
            });
        }
    });
    assert_eq!(
        fs::read_to_string(&home.file).unwrap(),
        "{\n  \"mcpServers\": {\n    \"a\": {}\n  }\n}\n"
    );
}
