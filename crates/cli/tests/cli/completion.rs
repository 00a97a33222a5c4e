//! Completion as shells ask for it.

use super::home::Home;

/// What bash would offer for the last of these words.
fn offered(home: &Home, words: &[&str]) -> Vec<String> {
    let mut command = home.command(&["--", "portolan"]);
    command
        .args(words)
        .env("PORTOLAN_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n");
    let done = super::home::Done::of(&command.output().unwrap());
    done.ok()
        .lines()
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn names_are_those_that_there_are_now() {
    let home = Home::new();
    home.write(
        "portolan/config.toml",
        "[servers.github]\ncommand = \"x\"\n[servers.time]\ncommand = \"y\"\n",
    );
    assert_eq!(offered(&home, &["client", "connect", "cur"]), ["cursor"]);
    assert_eq!(
        offered(&home, &["server", "logs", ""])[..2],
        ["github", "time"]
    );
    assert!(
        offered(&home, &["profile", "show", ""])
            .iter()
            .all(|word| word.starts_with('-'))
    );
    let made = home.run(&["profile", "create", "--name", "work"]);
    let _ = made.ok();
    assert_eq!(offered(&home, &["profile", "show", "w"]), ["work"]);
    assert_eq!(
        offered(&home, &["gateway", "run", "--profile", ""]),
        ["work"]
    );
    assert_eq!(offered(&home, &["gate"]), ["gateway"]);
    assert_eq!(offered(&home, &["catalog", "show", "b"]), ["built-in"]);
}

#[test]
fn every_shell_has_a_script() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = home.run(&["completion", shell]).ok();
        assert!(script.contains("PORTOLAN_COMPLETE"), "{shell}: {script}");
    }
    let _ = home.run(&["completion", "tcsh"]).failed(2);
}

#[test]
fn a_broken_home_completes_commands_all_the_same() {
    let home = Home::new();
    home.write("portolan/config.toml", "[servers.x\n");
    home.write("portolan/profiles", "no folder");
    assert_eq!(offered(&home, &["serv"]), ["server"]);
    let _names = offered(&home, &["server", "logs", ""]);
    let _none = offered(&home, &["profile", "show", ""]);
}
