//! `docs/guide/secrets.md`

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
    guide.play();
}
