//! Files as the applications write them, and what people get wrong in them.

use super::*;
use crate::{Launch, Layer, Level, Network, RemoteKind, Share};

fn vars(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/me".into()),
        "TOKEN" => Some("t0p".into()),
        _ => None,
    }
}

fn read(text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let reading = Reading {
        layer: Layer::Flag,
        lookup: Some(&vars),
        own: false,
    };
    read_mcp_servers_with(text, "mcp.json", &reading).unwrap()
}

/// The only entry of a file without problems.
fn one(text: &str) -> Entry {
    let (mut entries, problems) = read(text);
    assert_eq!(problems, []);
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

/// The problems of a file, each on its line.
fn problems(text: &str) -> String {
    let shown: Vec<_> = read(text).1.iter().map(ToString::to_string).collect();
    shown.join("\n")
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[test]
fn claude_desktop() {
    let entry = one(r#"{"mcpServers": {"files": {
        "command": "npx", "args": ["-y", "pkg", "${HOME}/x", 7, true],
        "env": {"A": "${TOKEN}", "N": 1.50, "B": false, "GONE": null}, "cwd": "~/w"}}}"#);
    let Launch::Command {
        command,
        args,
        env,
        cwd,
    } = &entry.launch
    else {
        panic!("{entry:?}")
    };
    assert_eq!(command, "npx");
    assert_eq!(args, &["-y", "pkg", "/home/me/x", "7", "true"]);
    let env: Vec<_> = env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(env, [("A", "t0p"), ("N", "1.50"), ("B", "false")]);
    assert_eq!(cwd.as_deref(), Some(std::path::Path::new("/home/me/w")));
    assert_eq!(
        (entry.source.as_str(), entry.layer),
        ("mcp.json", Layer::Flag)
    );
    assert!(entry.has_credentials() && !entry.disabled);
}

#[test]
fn remote_servers_of_every_application() {
    for (entry, kind) in [
        (r#"{"url": "https://h/mcp"}"#, RemoteKind::Auto),
        (r#"{"serverUrl": "https://h/mcp"}"#, RemoteKind::Auto),
        (
            r#"{"httpUrl": "https://h/mcp", "url": "https://h/sse"}"#,
            RemoteKind::Streamable,
        ),
        (
            r#"{"type": "http", "url": "https://h/mcp"}"#,
            RemoteKind::Streamable,
        ),
        (
            r#"{"type": "streamable-http", "url": "https://h/mcp"}"#,
            RemoteKind::Streamable,
        ),
        (
            r#"{"type": "streamableHttp", "url": "https://h/mcp"}"#,
            RemoteKind::Streamable,
        ),
        (
            r#"{"transport": "sse", "url": "HTTPS://h/mcp"}"#,
            RemoteKind::Sse,
        ),
        (
            r#"{"type": "remote", "url": "https://h/mcp"}"#,
            RemoteKind::Auto,
        ),
    ] {
        let read = one(&format!(r#"{{"mcpServers": {{"a": {entry}}}}}"#));
        let Launch::Remote {
            url, kind: found, ..
        } = &read.launch
        else {
            panic!("{read:?}")
        };
        assert!(
            url.eq_ignore_ascii_case("https://h/mcp") && *found == kind,
            "{entry} {read:?}"
        );
    }
    let entry = one(
        r#"{"mcpServers": {"a": {"url": "https://h", "headers": {"Authorization": "Bearer ${env:TOKEN}"}}}}"#,
    );
    let Launch::Remote { headers, .. } = entry.launch else {
        panic!()
    };
    assert_eq!(
        headers,
        [("Authorization".to_owned(), "Bearer t0p".to_owned())]
    );
}

#[test]
fn vs_code_zed_amp_opencode_and_settings() {
    let vs_code = r#"{ // comment
        "inputs": [],
        "servers": { "a": {"type": "stdio", "command": "x", "sandboxEnabled": true,}, },
    }"#;
    assert_eq!(one(vs_code).name, "a");
    assert_eq!(
        one(r#"{"context_servers": {"a": {"source": "custom", "command": "x", "args": []}}}"#).name,
        "a"
    );
    assert_eq!(
        one(r#"{"amp.mcpServers": {"a": {"command": "x"}}}"#).name,
        "a"
    );
    assert_eq!(
        one(r#"{"mcp": {"inputs": [], "servers": {"a": {"command": "x"}}}}"#).name,
        "a"
    );
    let open = one(
        r#"{"mcp": {"a": {"type": "local", "command": ["npx", "-y"], "environment": {"K": "v"}, "enabled": false}}}"#,
    );
    assert!(open.disabled);
    let Launch::Command {
        command, args, env, ..
    } = open.launch
    else {
        panic!()
    };
    assert_eq!((command.as_str(), args.len(), env.len()), ("npx", 1, 1));
}

#[test]
fn what_an_entry_may_say_besides() {
    let entry = one(
        r#"{"mcpServers": {"a": {"command": "x", "tools": ["read_*"], "excludeTools": ["read_all"],
        "share": "all", "disabled": true, "idle_timeout_s": 0, "start_timeout_s": 5, "tool_timeout_sec": 86400,
        "title": "A", "description": "does", "autoApprove": [], "timeout": 99}}}"#,
    );
    assert_eq!((entry.share, entry.disabled), (Some(Share::All), true));
    assert_eq!(
        (
            entry.idle_timeout_s,
            entry.start_timeout_s,
            entry.call_timeout_s
        ),
        (Some(0), Some(5), Some(86_400))
    );
    assert_eq!(
        (entry.title.as_deref(), entry.description.as_deref()),
        (Some("A"), Some("does"))
    );
    assert!(
        entry.allows_tool("read_x")
            && !entry.allows_tool("read_all")
            && !entry.allows_tool("write")
    );
}

#[test]
fn one_bad_entry_does_not_lose_the_others() {
    let text = r#"{"mcpServers": {
  "a": {"comand": "x"},
  "b": {"command": "x", "args": "-y"},
  "c": 7,
  "d": {"command": "ok"},
  "e": {"type": "htttp", "url": "https://h"},
  "f": {"command": "x", "env": {"A": []}},
  "g": {"url": "ftp://h"},
  "h": {"command": "x", "url": "https://h"},
  "i": {"command": "x", "share": "everyone"},
  "j": {"command": "x", "call_timeout_s": 90000},
  "k": {"url": "https://h", "headers": {"X": "a\nb"}},
  "l": {"command": " "},
  "m": {"type": "stdio", "url": "https://h"},
  "n": {"command": "x", "disabled": "yes"},
  "o": {"command": "x", "tools": [1]}
}}"#;
    assert_eq!(names(&read(text).0), ["d"]);
    let want = r#"mcp.json:2:9: server `a`: there is neither `command` nor `url` (did you mean `command` instead of `comand`?)
mcp.json:3:33: server `b`: `args` must be a list of texts, found a text (write a list of texts)
mcp.json:4:8: server `c` must be a table, found a number (write {"command": …} or {"url": …})
mcp.json:6:17: server `e`: `type` cannot be "htttp" (did you mean "http"?)
mcp.json:7:38: server `f`: `A` in `env` must be a text, found a list (put it in quotes)
mcp.json:8:16: server `g`: `url` must be an http:// or https:// address (write it out, such as https://example.com/mcp)
mcp.json:9:9: server `h`: there is both a command and a URL (remove one of them, or say which by `type`)
mcp.json:10:34: server `i`: `share` cannot be "everyone" (there are: "workspace", "caller" and "all")
mcp.json:11:43: server `j`: `call_timeout_s` must be whole seconds from 1 to 86400, found a number (write whole seconds from 1 to 86400)
mcp.json:12:41: server `k`: `X` in `headers` has a line break or another control character in its value (check its spelling)
mcp.json:13:20: server `l`: `command` is empty (name a program)
mcp.json:14:26: server `m`: `type` says that this is a command, but there is only `url` (write "http" or "sse" as its `type`, or leave it out)
mcp.json:15:37: server `n`: `disabled` must be true or false, without quotes, found a text (write true or false, without quotes)
mcp.json:16:35: server `o`: each of `tools` must be a text, found a number (put it in quotes)"#;
    assert_eq!(problems(text), want);
}

#[test]
fn one_problem_does_not_hide_the_next_in_the_same_entry() {
    let text = r#"{"mcpServers": {"a": {"command": 1, "args": {}, "share": 2, "env": []}}}"#;
    let (entries, problems) = read(text);
    assert_eq!((entries.len(), problems.len()), (0, 3), "{problems:?}"); // a number will do as a command
}

#[test]
fn a_name_that_stands_twice_is_told_with_both_places() {
    let text = "{\"mcpServers\": {\n \"a\": {\"command\": \"1\"},\n \"a\": {\"command\": \"2\"}}}";
    let (entries, _) = read(text);
    assert!(
        matches!(&entries[..], [Entry { launch: Launch::Command { command, .. }, .. }] if command == "2")
    );
    assert_eq!(
        problems(text),
        "mcp.json:3:2: server `a` is defined twice, at 2:2 and at 3:2; the later one is used (rename or remove one of them)"
    );
    let inside =
        r#"{"mcpServers": {"a": {"command": "1", "command": "2", "env": {"A": "", "A": ""}}}}"#;
    assert!(read(inside).0.is_empty());
    assert!(problems(inside).contains("`command` is given twice, first at 1:23"));
    assert!(problems(inside).contains("`A` in `env` is given twice"));
}

#[test]
fn names_are_repaired_where_they_can_be() {
    let (entries, problems) =
        read(r#"{"mcpServers": {"My Server": {"command": "x"}, "日本": {"command": "x"}}}"#);
    assert_eq!(names(&entries), ["My-Server"]);
    assert_eq!(
        (problems[0].level, problems[1].level),
        (Level::Warning, Level::Error)
    );
    assert!(problems[0].message.contains("is called `My-Server` here"));
}

#[test]
fn a_repaired_name_never_takes_the_place_of_one_that_needs_no_repair() {
    for text in [
        r#"{"mcpServers": {"a": {"command": "1"}, "/*a": {"command": "x"}}}"#,
        r#"{"mcpServers": {"/*a": {"command": "x"}, "a": {"command": "1"}}}"#,
    ] {
        let (entries, problems) = read(text);
        assert!(
            matches!(&entries[..], [Entry { launch: Launch::Command { command, .. }, .. }] if command == "1")
        );
        assert!(
            problems.len() == 1 && problems[0].is_error(),
            "{problems:?}"
        );
    }
    let broken = r#"{"mcpServers": {"a": {"comand": "1"}, "/*a": {"command": "x"}}}"#;
    assert_eq!(read(broken).0, [], "nor of one that is broken");
}

#[test]
fn misspelt_and_later_keys_are_told_and_unknown_ones_are_not() {
    let text =
        r#"{"mcpServers": {"a": {"command": "x", "arg": ["y"], "icon": "i", "envFile": "e"}}}"#;
    assert_eq!(names(&read(text).0), ["a"]);
    assert_eq!(
        problems(text),
        "mcp.json:1:39: server `a`: `arg` is no key of a server and is ignored (did you mean `args`?)\n\
         mcp.json:1:66: server `a`: `envFile` has no effect in this version (do not rely on it yet)"
    );
}

#[test]
fn a_server_that_is_off_has_its_variables_where_they_are_known() {
    let entry = one(
        r#"{"mcpServers": {"a": {"command": "x", "args": ["${HOME}", "${NOPE}"], "disabled": true}}}"#,
    );
    assert!(
        matches!(entry.launch, Launch::Command { args, .. } if args == ["/home/me", "${NOPE}"])
    );
}

#[test]
fn unknown_variables_are_refused_unless_the_server_is_off() {
    let text = r#"{"mcpServers": {"a": {"command": "x", "env": {"K": "${NOPE}"}}, "b": {"command": "${input:x}"}}}"#;
    assert_eq!(
        problems(text),
        "mcp.json:1:52: server `a`: `K` in `env`: the variable `NOPE` is not set (set NOPE, or write a default: ${NOPE:-…})\n\
         mcp.json:1:82: server `b`: `command`: `${input:x}` is something that only the application itself can fill in \
         (use an environment variable instead: ${NAME})"
    );
    assert_eq!(
        read(&text.replace("\"command\"", "\"disabled\": true, \"command\""))
            .0
            .len(),
        2
    );
    assert_eq!(
        read_mcp_servers(text, "f").unwrap().0.len(),
        2,
        "without variables they stay as they are"
    );
}

#[test]
fn a_command_line_in_one_word_is_told() {
    let (entries, problems) = read(
        r#"{"mcpServers": {"a": {"command": "npx -y pkg"}, "b": {"command": "/opt/my tool/run"}}}"#,
    );
    assert_eq!(entries.len(), 2);
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].hint.as_deref(),
        Some(r#"write command "npx" and args ["-y", "pkg"]"#)
    );
}

#[test]
fn files_that_are_something_else() {
    let refused = |text: &str| read_mcp_servers(text, "f").unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"mcpservers": {}}"#),
        "f:1:2: the file has no `mcpServers` (did you mean `mcpServers` instead of `mcpservers`?)"
    );
    assert!(refused(r#"{"x": 1}"#).starts_with("f:1:1: the file has no `mcpServers`"));
    assert!(refused("[1]").starts_with("f:1:1: the file must be a JSON object, found a list"));
    assert!(
        refused("{\"mcpServers\": {\n\"a\" {}}}")
            .starts_with("f:2:5: not valid JSON: expected colon")
    );
    assert_eq!(read_mcp_servers("", "f").unwrap(), (vec![], vec![]));
    assert_eq!(read_mcp_servers("{}", "f").unwrap(), (vec![], vec![]));
    let (_, problems) = read_mcp_servers(r#"{"mcpServers": []}"#, "f").unwrap();
    assert!(problems[0].message.contains("found a list"));
}

#[test]
fn numbers_of_servers_problems_and_items_are_bounded() {
    use crate::limits::{ENTRIES_MAX, ITEMS_MAX, PROBLEMS_MAX};
    let many = |n: usize, entry: &str| {
        let all: Vec<_> = (0..n).map(|i| format!("\"s{i}\": {entry}")).collect();
        format!("{{\"mcpServers\": {{{}}}}}", all.join(","))
    };
    let (entries, problems) = read(&many(ENTRIES_MAX + 2, r#"{"command":"x"}"#));
    assert_eq!((entries.len(), problems.len()), (ENTRIES_MAX, 1));
    let (_, problems) = read(&many(PROBLEMS_MAX + 7, "{}"));
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert_eq!(
        problems[PROBLEMS_MAX].message,
        "and 7 more problems in this file"
    );
    let args = vec!["1"; ITEMS_MAX + 1].join(",");
    let (entries, problems) = read(&format!(
        r#"{{"mcpServers": {{"a": {{"command": "x", "args": [{args}]}}}}}}"#
    ));
    assert!(
        entries.is_empty() && problems[0].message.contains("at most 4096"),
        "{problems:?}"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\\n]{0,200}") {
        let _ = read_mcp_servers(&text, "f");
    }

    /// JSON of the right kind with values of any.
    #[test]
    fn any_entry_is_read_or_refused(
        name in "[a-zA-Z. é-]{0,8}",
        keys in proptest::collection::vec("command|args|env|url|headers|type|tools|cwd|disabled|share|call_timeout_s|comand", 0..6),
        values in proptest::collection::vec(r#"null|true|7|"x"|"\$\{A"|"\$\{A:-b\}"|"https://h"|\[\]|\["a",1\]|\{\}|\{"A":"b"\}|"stdio"|"sse""#, 6),
    ) {
        let fields: Vec<_> = keys.iter().zip(&values).map(|(key, value)| format!("\"{key}\": {value}")).collect();
        let text = format!("{{\"mcpServers\": {{\"{name}\": {{{}}}}}}}", fields.join(", "));
        let (entries, problems) = read(&text);
        proptest::prop_assert!(entries.len() == 1 || problems.iter().any(Problem::is_error), "{text}");
        for problem in problems {
            proptest::prop_assert!(problem.line == 1 && problem.column > 1 && problem.hint.is_some(), "{problem:?}");
        }
    }
}

#[test]
fn what_a_program_sees_of_disk_and_network_is_read() {
    let entry = one(
        r#"{"mcpServers": {"a": {"command": "x", "volumes": ["~/a", "${HOME}/b:rw"], "network": "none"}}}"#,
    );
    assert_eq!(entry.volumes, ["/home/me/a", "/home/me/b:rw"]);
    assert_eq!(entry.network, Network::None);
    let entry =
        one(r#"{"mcpServers": {"a": {"command": "x", "allow_hosts": ["a.example", "*.b:443"]}}}"#);
    assert_eq!(
        entry.network,
        Network::Hosts(vec!["a.example".into(), "*.b:443".into()])
    );
    assert_eq!(
        problems(r#"{"mcpServers": {"a": {"command": "x", "network": "all"}}}"#),
        "mcp.json:1:50: server `a`: `network` must be \"none\", \"open\", or a list of hosts, found a text \
         (write \"none\", \"open\", or a list of hosts)"
    );
}

#[test]
fn how_a_server_is_signed_in_to_is_read() {
    let entry = one(
        r#"{"mcpServers": {"a": {"url": "https://h/mcp", "oauth": {"clientId": "c", "client_secret": "store:s", "issuer": "https://i", "scopes": ["r"], "flow": "client_credentials", "callbackPort": 1}}}}"#,
    );
    let oauth = entry.about.oauth.as_ref().unwrap();
    assert_eq!(oauth.client_id.as_deref(), Some("c"));
    assert_eq!(oauth.client_secret.as_deref(), Some("store:s"));
    assert_eq!(oauth.issuer.as_deref(), Some("https://i"));
    assert!(oauth.is_client_flow && oauth.scopes == ["r"]);
    let entry = one(r#"{"mcpServers": {"a": {"url": "https://h/mcp", "oauth": true}}}"#);
    assert!(entry.about.oauth.is_some());
    let said =
        problems(r#"{"mcpServers": {"a": {"url": "https://h/mcp", "oauth": {"flow": "x"}}}}"#);
    assert!(
        said.contains("neither person nor client_credentials"),
        "{said}"
    );
}

#[test]
fn the_way_to_the_gateway_is_no_server_behind_it() {
    let (entries, problems) = read(
        r#"{"mcpServers": {
            "portolan": {"command": "/usr/bin/portolan", "args": ["gateway", "run"]},
            "work": {"command": "portolan", "args": ["gateway", "run", "--profile", "work"]},
            "other": {"command": "portolan", "args": ["gateway", "run", "--config", "other.json"]},
            "mine": {"command": "mine", "args": ["gateway", "run"]}
        }}"#,
    );
    assert_eq!(problems, []);
    assert_eq!(names(&entries), ["other", "mine"]);
}
