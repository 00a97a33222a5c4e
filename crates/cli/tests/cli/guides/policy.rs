//! `docs/guide/policy.md`

use super::blocks;
use super::play::{Guide, says};

#[test]
fn policy() {
    let mut guide = Guide::open("docs/guide/policy.md");
    let rules = blocks::of("docs/guide/policy.md", "toml").remove(0);
    guide.home.write("portolan/config.toml", &rules);
    guide.catalog("small", &["github", "filesystem"]);
    // The page says that the help shows one.
    let help = guide.home.run(&["policy", "test", "--help"]).ok();
    let case = &help[help.find("[[cases]]").unwrap()..];
    guide.home.write("cases.toml", case);
    guide.on("portolan policy check", says("no system files"));
    guide.on(
        "portolan policy explain filesystem write_file --arguments '{\"path\":\"/etc/hosts\"}'",
        says("system files are changed by hand"),
    );
    guide.on("portolan policy explain github", says("may be used"));
    guide.play();
}
