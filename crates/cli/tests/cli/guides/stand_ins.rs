//! The programs that lines find: ours under its name, those of the system that pages use, and small ones in the place of what
//! no test has. Nothing else is on the path, so that no line leads to a package of the network.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::super::home::{BINARY, Home};

/// What pages use of the system, and our stand-ins.
const OF_THE_SYSTEM: &[&str] = &["sh", "cat", "jq", "curl"];
const FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

/// An MCP server: its tools are its arguments, each says what it was given, and all are about what stands in the file `about`.
const SERVER: &str = r#"#!/bin/sh
about=$(cat "$HOME/about" 2>&-)
for name; do
  tools="$tools${tools:+,}{\"name\":\"$name\",\"description\":\"$about\",\"inputSchema\":{\"type\":\"object\"}}"
done
answer() { echo '{"jsonrpc":"2.0","id":'$id',"result":'"$1"'}'; }
while read -r line; do
  id=$(printf '%s' "$line" | jq -c .id)
  case "$line" in
    *'"initialize"'*) answer '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"any","version":"1"}}';;
    *'"tools/list"'*) answer "{\"tools\":[$tools]}";;
    *'"tools/call"'*) answer "$(printf '%s' "$line" | jq -c '{content:[{type:"text",text:(.params.name+" "+(.params.arguments|tojson))}]}')";;
    *'"ping"'*) answer '{}';;
  esac
done
"#;

/// `docker` as it treats plugins, and containers that say nothing.
const DOCKER: &str = r#"#!/bin/sh
[ "$1" = run ] && exec cat >&2
exec "$HOME/.docker/cli-plugins/docker-mcp" "$@"
"#;

/// A keyring whose secrets lie in plain files named after their attributes.
const SECRET_TOOL: &str = r#"#!/bin/sh
case "$1 $2" in
  "store --label="*) shift 2; exec cat > "$HOME/keyring $*";;
  "lookup "*) shift; exec cat "$HOME/keyring $*";;
esac
exit 2
"#;

/// What encrypts by doing nothing.
const AGE: &str = "#!/bin/sh\nexec cat\n";

/// Puts them where `command` finds them.
pub(super) fn put(home: &Home) {
    for (name, text) in [
        ("any-server", SERVER),
        ("docker", DOCKER),
        ("secret-tool", SECRET_TOOL),
        ("age", AGE),
    ] {
        program(home, name, text);
    }
    symlink(BINARY, home.path("bin/portolan")).unwrap();
    for name in OF_THE_SYSTEM {
        let files = FOLDERS.iter().map(|folder| Path::new(folder).join(name));
        let file = files.into_iter().find(|file| file.exists());
        symlink(file.expect(name), home.path("bin").join(name)).unwrap();
    }
}

pub(super) fn program(home: &Home, name: &str, text: &str) {
    let path = home.write(&format!("bin/{name}"), text);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap();
}

/// A shell that does what the line says, in this home.
pub(super) fn shell(home: &Home, line: &str) -> Command {
    let words = ["-o", "pipefail", "-c", line];
    let mut command = home.command_of(Path::new("/bin/bash"), &words);
    command
        .env("PATH", home.path("bin"))
        .env("PORTOLAN_PORT", "0");
    command
}
