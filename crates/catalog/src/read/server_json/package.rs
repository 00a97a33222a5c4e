//! One way to a server out of a `server.json`: a remote, or a package of a registry.

use super::Made;
use super::input::{Inputs, text_of};
use crate::document::Node;
use crate::fields::Fields;
use crate::reader::launch::{check_header, check_variable, is_http};
use crate::{Launch, Network, Registry, RemoteKind};

pub(super) fn remote(node: &Node, fields: &mut Fields<'_>, inputs: &mut Inputs) -> Option<Launch> {
    let Some(written) = node.get("url").and_then(Node::as_str) else {
        fields.error(node.start, "the remote has no `url`", "add it");
        return None;
    };
    let url = inputs.url(written, node);
    if !is_http(&url) && !url.starts_with("{{") {
        fields.error(
            node.start,
            "`url` must be an http:// or https:// address",
            "write it out",
        );
        return None;
    }
    let kind = match node
        .get("type")
        .or_else(|| node.get("transport_type"))
        .and_then(Node::as_str)
    {
        Some("sse") => RemoteKind::Sse,
        Some("streamable-http" | "streamable" | "http") => RemoteKind::Streamable,
        _ => RemoteKind::Auto,
    };
    let mut headers = Vec::new();
    for header in node.get("headers").and_then(Node::list).unwrap_or_default() {
        let Some(name) = header.get("name").and_then(Node::as_str) else {
            continue;
        };
        let Some(value) = inputs.template(header, name) else {
            continue;
        };
        match check_header(name, &value) {
            Some(wrong) => fields.error(
                header.start,
                format!("header `{name}` {wrong}"),
                "check its spelling",
            ),
            None => headers.push((name.to_owned(), value)),
        }
    }
    Some(Launch::Remote { url, headers, kind })
}

pub(super) fn read(
    node: &Node,
    fields: &mut Fields<'_>,
    inputs: &mut Inputs,
    made: &mut Made,
) -> Option<Launch> {
    // Older schemas write names with underscores.
    let text = |names: &[&str]| names.iter().find_map(|name| text_of(node.get(name)?));
    let kind = text(&["registryType", "registry_type", "registry_name"]).unwrap_or_default();
    let Some(identifier) = text(&["identifier", "name"]).filter(|id| !id.trim().is_empty()) else {
        fields.error(node.start, "the package has no `identifier`", "add it");
        return None;
    };
    if identifier.starts_with('-') || identifier.contains(char::is_whitespace) {
        fields.error(
            node.start,
            "`identifier` is no name of a package",
            "check its spelling",
        );
        return None;
    }
    let version = text(&["version"]).filter(|version| version != "latest");
    let transport = node
        .get("transport")
        .and_then(|transport| transport.get("type")?.as_str());
    if let Some(transport) = transport.filter(|kind| *kind != "stdio") {
        return Some(Launch::Unavailable {
            what: format!("the {kind} package {identifier}"),
            why: format!(
                "it serves {transport} on a port of its own, and only packages that speak over stdio are started; start it yourself and add its URL"
            ),
        });
    }
    let mut env = env(node, fields, inputs);
    let list = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| node.get(name)?.list())
            .unwrap_or_default()
    };
    let runtime = list(&["runtimeArguments", "runtime_arguments"]);
    let args = arguments(list(&["packageArguments", "package_arguments"]), inputs);
    let registry = match kind.as_str() {
        "oci" | "docker" => {
            let has_tag = identifier
                .rsplit('/')
                .next()
                .is_some_and(|last| last.contains([':', '@']));
            let image = match version.filter(|_| !has_tag) {
                Some(version) => format!("{identifier}:{version}"),
                None => identifier,
            };
            let user = engine_options(runtime, fields, inputs, made, &mut env);
            return Some(Launch::Container {
                image,
                command: args,
                env,
                user,
                extra_hosts: Vec::new(),
                is_writable: false,
            });
        }
        "npm" => Registry::Npm,
        "pypi" => Registry::Pypi,
        "mcpb" => Registry::Mcpb,
        other => {
            let other = if other.is_empty() {
                "unnamed registry's"
            } else {
                other
            };
            return Some(Launch::Unavailable {
                what: format!("the {other} package {identifier}"),
                why: "packages of npm, PyPI and MCPB and OCI images are started, others are not; install it yourself and add it as a `command`".to_owned(),
            });
        }
    };
    // Some publishers write what an engine would be told around the runtime.
    let (options, runtime): (Vec<Node>, Vec<Node>) =
        runtime.iter().cloned().partition(is_engine_option);
    engine_options(&options, fields, inputs, made, &mut env);
    Some(Launch::Package {
        registry,
        identifier,
        version: version.filter(|_| registry != Registry::Mcpb),
        sha256: text(&["fileSha256", "file_sha256"]),
        runtime: text(&["runtimeHint", "runtime_hint"]),
        runtime_args: arguments(&runtime, inputs),
        args,
        env,
    })
}

fn env(node: &Node, fields: &mut Fields<'_>, inputs: &mut Inputs) -> Vec<(String, String)> {
    let list = node
        .get("environmentVariables")
        .or_else(|| node.get("environment_variables"));
    let mut out: Vec<(String, String)> = Vec::new();
    for variable in list.and_then(Node::list).unwrap_or_default() {
        let Some(name) = variable.get("name").and_then(Node::as_str) else {
            continue;
        };
        if check_variable(name, "").is_some() {
            fields.error(
                variable.start,
                format!("`{name}` cannot be the name of a variable"),
                "check its spelling",
            );
            continue;
        }
        if let Some(value) = inputs.template(variable, name) {
            // A secret gets into its own variable without being told.
            if value != format!("${{{name}}}") && !out.iter().any(|(known, _)| known == name) {
                out.push((name.to_owned(), value));
            }
        }
    }
    out
}

/// Arguments as templates. A named one whose value may be missing is one item, so that both go together.
fn arguments(list: &[Node], inputs: &mut Inputs) -> Vec<String> {
    let mut out = Vec::new();
    for argument in list {
        let text = |key: &str| {
            argument
                .get(key)
                .and_then(text_of)
                .filter(|text| !text.is_empty())
        };
        let name = text("name");
        let has = |keys: &[&str]| keys.iter().any(|key| argument.get(key).is_some());
        let asks = has(&[
            "value",
            "default",
            "valueHint",
            "value_hint",
            "isSecret",
            "choices",
            "placeholder",
            "format",
        ]);
        match (text("type").as_deref(), name) {
            (Some("named"), Some(name)) => {
                if !asks {
                    out.push(name);
                    continue;
                }
                let Some(value) = inputs.template(argument, &name) else {
                    continue;
                };
                match (value.is_empty(), name.starts_with("--")) {
                    (true, _) => out.push(name),
                    (false, true) => out.push(format!("{name}={value}")),
                    (false, false) if value.contains("{{") || value.contains("${") => {
                        out.push(format!("{name}{value}"));
                    }
                    (false, false) => out.extend([name, value]),
                }
            }
            (_, name) if asks || name.is_some() || has(&["description"]) => {
                let name = text("valueHint").or_else(|| text("value_hint")).or(name);
                let name = name.unwrap_or_else(|| "argument".to_owned());
                out.extend(
                    inputs
                        .template(argument, &name)
                        .filter(|value| !value.is_empty()),
                );
            }
            _ => {}
        }
    }
    out
}

/// Options of an engine that mean nothing to the runtimes of packages.
fn is_engine_option(argument: &Node) -> bool {
    let name = argument
        .get("name")
        .and_then(Node::as_str)
        .unwrap_or_default();
    matches!(
        name,
        "-v" | "--volume" | "--mount" | "-u" | "--user" | "-e" | "--env" | "--read-only" | "--rm"
    )
}

/// What an engine would be told: variables, volumes, the user. The rest is ours to decide.
fn engine_options(
    list: &[Node],
    fields: &mut Fields<'_>,
    inputs: &mut Inputs,
    made: &mut Made,
    env: &mut Vec<(String, String)>,
) -> Option<String> {
    let mut user = None;
    for argument in list {
        let Some(name) = argument.get("name").and_then(text_of) else {
            continue;
        };
        let value = argument.get("value").and_then(text_of).unwrap_or_default();
        let mut template = || inputs.template(argument, &name).unwrap_or_default();
        match name.as_str() {
            "-e" | "--env" => {
                if let Some((variable, value)) = template().split_once('=')
                    && check_variable(variable, "").is_none()
                {
                    env.push((variable.to_owned(), value.to_owned()));
                }
            }
            "-v" | "--volume" => made.volumes.push(template()),
            "--mount" => made.volumes.extend(mount(&template())),
            "-u" | "--user" => user = Some(template()),
            "--network" | "--net" if value == "none" => made.network = Network::None,
            "-i" | "-t" | "-it" | "--rm" | "--init" | "--interactive" | "--pull" | "--name"
            | "--read-only" => {}
            _ => {
                let message = format!("the runtime argument `{name}` has no effect");
                fields.warning(
                    argument.start,
                    message,
                    "what an image may do is decided here, not by its publisher",
                );
            }
        }
    }
    user.filter(|user| !user.is_empty())
}

/// `type=bind,src=/a,dst=/b,readonly` as `/a:/b:ro`.
fn mount(text: &str) -> Option<String> {
    let part = |names: &[&str]| {
        text.split(',').find_map(|part| {
            let (key, value) = part.split_once('=')?;
            names.contains(&key.trim()).then(|| value.trim())
        })
    };
    let (source, target) = (
        part(&["src", "source"])?,
        part(&["dst", "target", "destination"])?,
    );
    let is_ro = text
        .split(',')
        .any(|part| matches!(part.trim(), "ro" | "readonly" | "readonly=true"));
    Some(format!(
        "{source}:{target}{}",
        if is_ro { ":ro" } else { "" }
    ))
}
