//! `docs/guide/secrets.md`

use super::super::home::Done;
use super::blocks;
use super::play::{Guide, asked, fed, says};

#[test]
fn secrets() {
    let mut guide = Guide::open("docs/guide/secrets.md");
    guide.configured(&["demo"]);
    guide.home.write("key.pem", "a\nb\n");
    guide.on(
        "portolan secret set github.personal_access_token",
        asked("Value of github.personal_access_token: ", "of-github\r"),
    );
    guide.on("portolan secret ls", says("tls.key"));
    guide.on("portolan secret rm --all", asked("[y/N] ", "y\n"));
    guide.play_to("portolan secret export github --output github.env");
    let none = guide.home.run(&["secret", "ls", "--format", "json"]);
    assert_eq!(none.json()["secrets"].as_array().map(Vec::len), Some(0));

    let set = ["secret", "set", "github.personal_access_token"];
    guide.home.run_with(&set, "of-github").ok();
    guide.play_to("portolan secret set github.token --profile work");
    let read = |name| std::fs::read_to_string(guide.home.path(name)).unwrap();
    let line = "github.personal_access_token=of-github\n";
    assert_eq!(read("github.env"), line);
    assert_eq!(read("secrets.age"), line);

    guide
        .home
        .run(&["profile", "create", "--name", "work"])
        .ok();
    guide.on(
        "portolan secret set github.token --profile work",
        asked("Value of github.token: ", "of-work\r"),
    );
    guide.on("portolan secret ls --profile work", says("github.token"));
    guide.home.write(".env", "github.token=of-a-file\n");
    let mounted = guide.home.write("mcp.env", "");
    guide.stands_for("/run/secrets/mcp", mounted);
    guide.on("portolan secret passphrase set", fed("right horse\n"));
    guide.on(
        "portolan secret passphrase rm",
        asked("Passphrase of your secrets: ", "right horse\r"),
    );
    guide.play_to("secret-tool store --label=\"GitHub\" service github");
    Done::fed(guide.next(), RING).ok();
    of_the_keyring(&guide);
    guide.play();
}

/// What is in the keyring: short, as longer values are masked in what a server says.
const RING: &str = "golden";

/// What the page says about the keyring, at a server that shows its secret as the name of its tool.
fn of_the_keyring(guide: &Guide) {
    let server = "command: /bin/sh\n    args: [-c, 'exec any-server \"$KEY\"']\n    secrets: [{env: KEY, name: github.token}]";
    guide.home.write(
        "portolan/catalogs/ours.yaml",
        &format!("catalog: ours\nservers:\n  github:\n    {server}\n"),
    );
    guide.runs("portolan profile create --name shown --server github");
    guide.runs("portolan server enable github --profile shown");
    let blocks = blocks::of("docs/guide/secrets.md", "yaml").into_iter();
    let mut blocks = blocks.filter(|text| text.contains("secret-tool"));
    let file = guide.home.path("portolan/profiles/shown.yaml");
    let mut profile = std::fs::read_to_string(&file).unwrap();
    for line in blocks.next().unwrap().lines() {
        profile.push_str(&format!("    {line}\n"));
    }
    std::fs::write(&file, profile).unwrap();
    let list = "PORTOLAN_RUNTIME=process portolan tools ls --profile shown";
    guide.run(list, &says(RING));
}
