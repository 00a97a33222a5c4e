use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// A layer, entry by entry.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn put(mut self, kind: u8, name: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let mut block = [0u8; 512];
        block[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
        block[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        block[156] = kind;
        block[157..157 + link.len()].copy_from_slice(link.as_bytes());
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend_from_slice(&block);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.put(b'0', name, "", 0o644, content.as_bytes())
    }

    fn folder(self, name: &str) -> Self {
        self.put(b'5', name, "", 0o755, b"")
    }

    fn link(self, name: &str, to: &str) -> Self {
        self.put(b'2', name, to, 0o777, b"")
    }

    fn hard(self, name: &str, to: &str) -> Self {
        self.put(b'1', name, to, 0o644, b"")
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

const LIMITS: UnpackLimits = UnpackLimits {
    bytes: 1 << 20,
    files: 100,
};

struct Image {
    dir: tempfile::TempDir,
    unpacker: Unpacker,
}

impl Image {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rootfs = dir.path().join("rootfs");
        fs::create_dir(&rootfs).unwrap();
        fs::write(dir.path().join("outside"), "theirs").unwrap();
        let unpacker = Unpacker::new(&rootfs, LIMITS).unwrap();
        Self { dir, unpacker }
    }

    fn lay(&mut self, tar: Tar) -> Result<(), UnpackError> {
        self.unpacker.layer(&*tar.end())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("rootfs").join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn is_untouched(&self) -> bool {
        let all = fs::read_dir(self.dir.path()).unwrap().count();
        fs::read_to_string(self.dir.path().join("outside")).unwrap() == "theirs" && all == 2
    }
}

#[test]
fn layers_lie_over_each_other() {
    let mut image = Image::new();
    let first = Tar::default()
        .folder("./")
        .folder("usr/")
        .folder("usr/lib")
        .link("lib", "usr/lib")
        .file("usr/lib/a", "first")
        .file("etc/kept/b", "kept")
        .put(b'0', "bin/tool", "", 0o6755, b"tool")
        .hard("bin/other", "bin/tool");
    image.lay(first).unwrap();
    assert_eq!(image.read("bin/other"), "tool");
    // The bits that give rights are gone.
    assert_eq!(
        fs::metadata(image.at("bin/tool"))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777,
        0o755
    );
    let second = Tar::default()
        .file("lib/a", "second")
        .file("lib/c", "new")
        .file("etc/.wh.kept", "")
        .file("bin/other", "its own");
    image.lay(second).unwrap();
    assert_eq!(
        (image.read("usr/lib/a"), image.read("usr/lib/c")),
        ("second".into(), "new".into())
    );
    assert!(!image.at("etc/kept").exists() && image.at("etc").exists());
    assert_eq!(
        (image.read("bin/tool"), image.read("bin/other")),
        ("tool".into(), "its own".into())
    );
    assert!(image.is_untouched());
}

#[test]
fn what_a_layer_brings_it_does_not_take_away() {
    let mut image = Image::new();
    image
        .lay(
            Tar::default()
                .file("d/old", "")
                .file("d/sub/old", "")
                .file("e/old", ""),
        )
        .unwrap();
    let second = Tar::default()
        .file("d/new", "")
        .file("d/sub/new", "")
        .file("d/.wh..wh..opq", "")
        .file("e/new", "")
        .file(".wh.e", "");
    image.lay(second).unwrap();
    for (path, is_there) in [
        ("d/old", false),
        ("d/new", true),
        ("d/sub/old", false),
        ("d/sub/new", true),
        ("e/old", false),
        ("e/new", true),
    ] {
        assert_eq!(image.at(path).exists(), is_there, "{path}");
    }
}

#[test]
fn nothing_leads_out() {
    let evil = |tar: Tar| {
        let mut image = Image::new();
        let outside = image.dir.path().join("outside");
        // As if an earlier layer had laid it.
        symlink(image.dir.path(), image.at("up")).unwrap();
        let _ = (outside, image.lay(tar));
        assert!(image.is_untouched());
        image
    };
    for name in ["../outside", "a/../../outside", "..", "x/.."] {
        let mut image = Image::new();
        let error = image.lay(Tar::default().file(name, "mine")).unwrap_err();
        assert!(matches!(error, UnpackError::Outside(_)), "{name}: {error}");
        assert!(image.is_untouched());
    }
    let mut image = Image::new();
    let error = image
        .lay(Tar::default().hard("h", "../outside"))
        .unwrap_err();
    assert!(error.to_string().contains("leads out"), "{error}");

    // An absolute path is one of the image.
    let image = evil(Tar::default().file("/etc/x", "in"));
    assert_eq!(image.read("etc/x"), "in");
    // So is where a link leads that is followed on the way.
    evil(Tar::default().file("up/outside", "mine"));
    evil(Tar::default().file("up/.wh.outside", ""));
    evil(Tar::default().file("up/.wh..wh..opq", ""));
    evil(
        Tar::default()
            .link("l", "../../..")
            .file("l/outside", "mine"),
    );
    evil(
        Tar::default()
            .link("l", "..")
            .hard("h", "l/outside")
            .file("h", "mine"),
    );
    evil(Tar::default().file(".wh...", "").file(".wh..", ""));
    // A file in the place of a link is a file, and what the link led to stays.
    let image = evil(
        Tar::default()
            .link("l", "up/outside")
            .file("l", "mine")
            .link("up", "/nowhere")
            .file("up", "mine"),
    );
    assert_eq!(
        (image.read("l"), image.read("up")),
        ("mine".into(), "mine".into())
    );
    // A hard link to a link is the link.
    let image = evil(Tar::default().link("l", "/etc/passwd").hard("h", "l"));
    assert!(fs::symlink_metadata(image.at("h")).unwrap().is_symlink());
    // Devices are not made.
    let image = evil(
        Tar::default()
            .put(b'3', "dev/sda", "", 0o666, b"")
            .put(b'6', "pipe", "", 0o666, b""),
    );
    assert!(!image.at("dev/sda").exists() && !image.at("pipe").exists());
}

#[test]
fn there_is_an_end_to_bytes_files_and_depth() {
    let mut image = Image::new();
    let error = image
        .lay(
            Tar::default()
                .file("a", &"x".repeat(LIMITS.bytes as usize))
                .file("b", "x"),
        )
        .unwrap_err();
    assert!(error.to_string().contains("more than 1 MiB"), "{error}");
    let mut image = Image::new();
    let many = (0..=LIMITS.files).fold(Tar::default(), |tar, n| tar.file(&format!("f{n}"), ""));
    let error = image.lay(many).unwrap_err();
    assert!(error.to_string().contains("more than 100 files"), "{error}");
    // Also where each takes the place of the one before.
    let mut image = Image::new();
    let same = (0..=LIMITS.files).fold(Tar::default(), |tar, _| tar.file("f", ""));
    assert!(image.lay(same).is_err());
    let mut image = Image::new();
    let deep = "a/".repeat(IMAGE_DEPTH_MAX + 1);
    let records = format!("path={deep}x\n");
    let records = format!("{} {records}", records.len() + 4);
    let error = image
        .lay(
            Tar::default()
                .put(b'x', "p", "", 0, records.as_bytes())
                .file("x", ""),
        )
        .unwrap_err();
    assert!(matches!(error, UnpackError::Outside(_)), "{error}");
    // A size that never comes.
    let mut image = Image::new();
    let mut tar = Tar::default().file("a", "x").end();
    tar[124..135].copy_from_slice(b"00003777777");
    tar[148..156].fill(b' ');
    let sum: u32 = tar[..512].iter().map(|byte| u32::from(*byte)).sum();
    tar[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    assert!(image.unpacker.layer(&*tar).is_err());
}

#[test]
fn long_names_come_in_records_or_before() {
    let mut image = Image::new();
    let long = format!("d/{}", "n".repeat(200));
    let records = format!("path={long}\n");
    let records = format!("{} {records}", records.len() + 4);
    let tar = Tar::default()
        .put(b'g', "pax", "", 0, b"11 a=global")
        .put(b'x', "pax", "", 0, records.as_bytes())
        .file("short", "by records")
        .put(
            b'L',
            "././@LongLink",
            "",
            0,
            format!("{long}2\0").as_bytes(),
        )
        .file("short", "by name")
        .put(
            b'K',
            "././@LongLink",
            "",
            0,
            format!("/{long}\0").as_bytes(),
        )
        .link("link", "short");
    image.lay(tar).unwrap();
    assert_eq!(
        (image.read(&long), image.read(&format!("{long}2"))),
        ("by records".into(), "by name".into())
    );
    assert_eq!(
        fs::read_link(image.at("link")).unwrap(),
        PathBuf::from(format!("/{long}"))
    );
    assert!(!image.at("short").exists());
}

#[test]
fn names_that_differ_in_case_are_two() {
    let mut image = Image::new();
    image
        .lay(Tar::default().file("A", "1").file("a", "2"))
        .unwrap();
    assert_eq!((image.read("A"), image.read("a")), ("1".into(), "2".into()));
    // A folder takes the place of a file, and a file that of a folder.
    image
        .lay(
            Tar::default()
                .file("A/x", "3")
                .folder("b")
                .file("b/y", "")
                .file("b", "4"),
        )
        .unwrap_err();
    image
        .lay(Tar::default().folder("A").file("A/x", "3").file("b", "4"))
        .unwrap();
    assert_eq!(
        (image.read("A/x"), image.read("b")),
        ("3".into(), "4".into())
    );
    assert_eq!(fs::metadata(image.at("a")).unwrap().nlink(), 1);
}

#[test]
fn what_is_no_archive_is_said_to_be_broken() {
    for bytes in [&b"not a tar"[..], &[1; 512], &[0xff; 1024]] {
        let error = Image::new().unpacker.layer(bytes).unwrap_err();
        assert!(matches!(error, UnpackError::Broken(_)), "{error}");
    }
    let error = Image::new()
        .lay(Tar::default().put(b'S', "sparse", "", 0, b""))
        .unwrap_err();
    assert!(error.to_string().contains("kind 0x53"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is in a layer, it ends, and nothing outside has changed.
    #[test]
    fn any_layer_stays_inside(entries in proptest::collection::vec(
        ("[012356xLKg]", "(\\.wh\\.)?(\\.\\./|/|a/|b/|\\./)?(\\.wh\\.)?(a|b|c|\\.\\.|outside|\\.wh\\.\\.opq)", "(/|\\.\\./)?(\\.\\./)?(a|b|outside)", any::<u8>()),
        0..24,
    )) {
        let mut image = Image::new();
        let mut tar = Tar::default();
        for (kind, name, link, byte) in &entries {
            tar = tar.put(kind.as_bytes()[0], name, link, u32::from(*byte) << 3, &[*byte][..usize::from(kind == "0")]);
        }
        let _ = image.lay(tar);
        prop_assert!(image.is_untouched());
    }
}
