//! `server.json` and pages of the registry's API, in small examples of every input.

use super::*;
use crate::{Network, Registry, RemoteKind};

fn page(servers: &Value) -> Catalog {
    let (catalog, problems) =
        read(&json!({"servers": servers, "metadata": {"count": 1}}).to_string());
    assert_eq!(problems, [""; 0]);
    catalog
}

fn server(name: &str, rest: Value) -> Value {
    let mut server = json!({"$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json", "name": name, "description": "Does it.", "version": "1.0.0"});
    server
        .as_object_mut()
        .unwrap()
        .extend(rest.as_object().unwrap().clone());
    json!({"server": server})
}

#[test]
fn packages_with_every_kind_of_input() {
    let catalog = page(&json!([server(
        "io.github.acme/weather",
        json!({
            "title": "Weather", "repository": {"url": "https://h/src"}, "websiteUrl": "https://h", "icons": [{"src": "https://h/i.png"}],
            "packages": [{
                "registryType": "npm", "registryBaseUrl": "https://registry.npmjs.org", "identifier": "@acme/weather", "version": "2.1.0",
                "runtimeHint": "npx", "transport": {"type": "stdio"},
                "runtimeArguments": [{"type": "named", "name": "-y"}],
                "packageArguments": [
                    {"type": "positional", "value": "serve"},
                    {"type": "named", "name": "--units", "default": "metric", "choices": ["metric", "imperial"]},
                    {"type": "named", "name": "--dir", "valueHint": "dir", "isRequired": true, "format": "filepath"},
                    {"type": "named", "name": "--verbose"},
                    {"type": "named", "name": "--link", "value": "https://{host}/x", "variables": {"host": {"description": "Host", "default": "h"}}}
                ],
                "environmentVariables": [
                    {"name": "API_KEY", "description": "Key", "isSecret": true, "isRequired": true},
                    {"name": "RETRIES", "format": "number", "default": "3"},
                    {"name": "MODE", "value": "fixed"},
                    {"name": "AUTH", "value": "Bearer {token}", "variables": {"token": {"isSecret": true}}}
                ]
            }, {"registryType": "nuget", "identifier": "Acme.Weather", "transport": {"type": "stdio"}}]
        })
    )]));
    let entry = &catalog.entries[0];
    assert_eq!(entry.name, "weather");
    assert_eq!(entry.about.version.as_deref(), Some("1.0.0"));
    assert_eq!(entry.about.repository.as_deref(), Some("https://h/src"));
    assert_eq!(
        entry
            .about
            .secrets
            .iter()
            .map(|s| (s.name.as_str(), s.required))
            .collect::<Vec<_>>(),
        [("weather.api_key", true), ("weather.token", false)]
    );
    let ready = resolved(entry, &json!({"dir": "/d"}));
    let Launch::Package {
        registry,
        identifier,
        version,
        runtime_args,
        args,
        env,
        ..
    } = &ready.launch
    else {
        panic!()
    };
    assert_eq!(
        (*registry, identifier.as_str(), version.as_deref()),
        (Registry::Npm, "@acme/weather", Some("2.1.0"))
    );
    assert_eq!(runtime_args, &["-y"]);
    assert_eq!(
        args,
        &[
            "serve",
            "--units=metric",
            "--dir=/d",
            "--verbose",
            "--link=https://h/x"
        ]
    );
    let env: Vec<(&str, &str)> = env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        env,
        [
            ("RETRIES", "3"),
            ("MODE", "fixed"),
            ("AUTH", "Bearer s3cret-weather.token"),
            ("API_KEY", "s3cret-weather.api_key"),
            ("TOKEN", "s3cret-weather.token"),
        ]
    );
    assert_eq!(
        entry.privileged_keys().into_iter().collect::<Vec<_>>(),
        ["dir", "host", "units"]
    );
}

#[test]
fn images_with_options_of_an_engine() {
    let text = server(
        "com.acme/box",
        json!({"packages": [{
            "registryType": "oci", "identifier": "ghcr.io/acme/box", "version": "1.2", "transport": {"type": "stdio"},
            "runtimeArguments": [
                {"type": "named", "name": "-e", "value": "A={a}", "variables": {"a": {}}},
                {"type": "named", "name": "--mount", "value": "type=bind,src={path},dst=/data,readonly", "variables": {"path": {"format": "filepath", "isRequired": true}}},
                {"type": "named", "name": "--user", "value": "1000"},
                {"type": "named", "name": "--network", "value": "none"},
                {"type": "named", "name": "--rm"},
                {"type": "named", "name": "--privileged"}
            ]
        }]}),
    );
    let (catalog, problems) = read(&text.to_string());
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("`--privileged` has no effect"),
        "{problems:?}"
    );
    let entry = &catalog.entries[0];
    assert_eq!(entry.network, Network::None);
    let ready = resolved(entry, &json!({"path": "/p", "a": "1"}));
    let Launch::Container {
        image, env, user, ..
    } = &ready.launch
    else {
        panic!()
    };
    assert_eq!(
        (image.as_str(), user.as_deref()),
        ("ghcr.io/acme/box:1.2", Some("1000"))
    );
    assert_eq!(env, &[("A".to_owned(), "1".to_owned())]);
    assert_eq!(ready.volumes, ["/p:/data:ro"]);
}

#[test]
fn remotes_and_what_they_ask_for() {
    let catalog = page(&json!([server(
        "com.acme/mcp",
        json!({"remotes": [
            {"type": "sse", "url": "https://h/sse"},
            {"type": "streamable-http", "url": "https://{tenant}.h/mcp", "variables": {"tenant": {"isRequired": true}},
             "headers": [{"name": "X-API-Key", "isSecret": true, "isRequired": true}, {"name": "X-Region", "value": "eu"}, {"name": "X-Opt", "description": "o"}]}
        ]})
    )]));
    let entry = &catalog.entries[0];
    assert_eq!(entry.name, "acme-mcp");
    assert_eq!(
        missing(entry, &json!({})),
        [
            "`tenant` is not configured",
            "the secret `acme-mcp.x_api_key` is not set"
        ]
    );
    let ready = resolved(entry, &json!({"tenant": "t"}));
    let Launch::Remote { url, headers, kind } = &ready.launch else {
        panic!()
    };
    assert_eq!(
        (url.as_str(), *kind),
        ("https://t.h/mcp", RemoteKind::Streamable)
    );
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("X-API-Key", "s3cret-acme-mcp.x_api_key"),
            ("X-Region", "eu")
        ]
    );
}

#[test]
fn names_say_something_and_stay_apart() {
    let remote = json!({"remotes": [{"type": "sse", "url": "https://h/sse"}]});
    let catalog = page(&json!([
        server("io.github.a/weather", remote.clone()),
        server("io.github.b/weather", remote.clone()),
        server("com.acme/mcp", remote.clone()),
        server("io.github.c/maps", remote)
    ]));
    let names: Vec<&str> = catalog.entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["a-weather", "b-weather", "acme-mcp", "maps"]);
}

#[test]
fn older_versions_are_passed_over_and_what_cannot_run_says_why() {
    let mut old = server(
        "a/x",
        json!({"remotes": [{"type": "sse", "url": "https://old"}]}),
    );
    old["_meta"] = json!({"io.modelcontextprotocol.registry/official": {"isLatest": false, "status": "active"}});
    let mut gone = server(
        "a/y",
        json!({"remotes": [{"type": "sse", "url": "https://old"}]}),
    );
    gone["_meta"] = json!({"io.modelcontextprotocol.registry/official": {"isLatest": true, "status": "deleted"}});
    let (catalog, problems) = read(&json!([old, gone,
        server("a/x", json!({"remotes": [{"type": "sse", "url": "https://new"}]})),
        server("a/nuget", json!({"packages": [{"registryType": "nuget", "identifier": "A.B", "transport": {"type": "stdio"}}]})),
        server("a/port", json!({"packages": [{"registryType": "npm", "identifier": "p", "transport": {"type": "streamable-http", "url": "http://127.0.0.1:1"}}]})),
        server("a/empty", json!({"packages": []}))
    ]).to_string());
    let kinds: Vec<(&str, &str)> = catalog
        .entries
        .iter()
        .map(|e| (e.name.as_str(), e.kind()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("x", "remote"),
            ("nuget", "unavailable"),
            ("port", "unavailable")
        ]
    );
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("server `empty`: there are neither `remotes` nor `packages`"),
        "{problems:?}"
    );
}
