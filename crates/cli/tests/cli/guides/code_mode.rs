//! `docs/guide/code-mode.md`. Its scripts are run in `scripts`.

use super::play::{Guide, says};

#[test]
fn code_mode() {
    let mut guide = Guide::open("docs/guide/code-mode.md");
    guide.configured(&["demo", "github", "slack"]);
    let script = "return await github.echo({ message: `${args.repo} ${args.max}` });\n";
    guide.home.write("digest.js", script);
    guide.on(
        "portolan tools run digest.js",
        says("Echo: undefined undefined"),
    );
    guide.on(
        "portolan tools run digest.js --servers github,slack --arg repo=acme/shop --arg max:=5",
        says("Echo: acme/shop 5"),
    );
    guide.on(
        "echo 'return await demo.get_sum({a: 2, b: 40})' | portolan tools run -",
        says("The sum of 2 and 40 is 42."),
    );
    guide.play();
}
