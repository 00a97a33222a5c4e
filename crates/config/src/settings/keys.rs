//! The table of settings. A new setting is a line here, a field in `Settings`, a variable in `env`, and a property in
//! `schemas/config.schema.json`; tests hold them together.

use catalog::limits::{CALL_TIMEOUT_S_MAX, IDLE_TIMEOUT_S_MAX, START_TIMEOUT_S_MAX};

use super::{Given, Key, Kind, LogFormat, Pull, Runtime, Transport};
use crate::limits::{
    BODY_BYTES_MAX, BODY_BYTES_MIN, CPUS_MAX, INFLIGHT_MAX, LIST_WAIT_S_MAX, MEMORY_BYTES_MIN,
    PIDS_MAX, SCRIPT_CALLS_MAX, SCRIPT_INFLIGHT_MAX, SCRIPT_LOG_BYTES_MAX, SCRIPT_MEMORY_BYTES_MAX,
    SCRIPT_MEMORY_BYTES_MIN, SCRIPT_RESULT_BYTES_MAX, SCRIPT_RESULT_BYTES_MIN, SCRIPT_TIME_S_MAX,
    SCRIPT_VALUE_BYTES_MAX, SCRIPT_VALUE_BYTES_MIN, SESSIONS_IDLE_S_MAX, SESSIONS_MAX,
};

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "host",
        env: "PORTOLAN_HOST",
        doc: "The address to listen on; beyond this machine only with care.",
        kind: Kind::Text,
        from_project: false,
        set: |settings, given| settings.host = given.text(),
        show: |settings| Given::Text(settings.host.clone()),
        check: is_host,
    },
    Key {
        name: "port",
        env: "PORTOLAN_PORT",
        doc: "The port to listen on; 0 takes any that is free.",
        kind: Kind::Whole {
            min: 0,
            max: 65_535,
        },
        from_project: true,
        set: |settings, given| settings.port = u16::try_from(given.whole()).unwrap_or_default(),
        show: |settings| Given::Whole(settings.port.into()),
        check: anything,
    },
    Key {
        name: "transport",
        env: "PORTOLAN_TRANSPORT",
        doc: "How clients reach the gateway: over standard input and output, streamable HTTP, or the older HTTP+SSE.",
        kind: Kind::Choice(&["stdio", "streaming", "sse"]),
        from_project: true,
        set: |settings, given| {
            settings.transport = Transport::parse(&given.text()).unwrap_or_default();
        },
        show: |settings| Given::Text(settings.transport.to_string()),
        check: anything,
    },
    Key {
        name: "runtime",
        env: "PORTOLAN_RUNTIME",
        doc: "What local servers run in: process, with the rights of the gateway; sandbox, a box for each with the least it needs; auto, that, and images in the container engine that is found; docker or podman, the same in that engine.",
        kind: Kind::Choice(&["process", "sandbox", "auto", "docker", "podman"]),
        from_project: false,
        set: |settings, given| {
            settings.runtime = Runtime::parse(&given.text()).unwrap_or_default();
        },
        show: |settings| Given::Text(settings.runtime.to_string()),
        check: anything,
    },
    Key {
        name: "allow_unsandboxed",
        env: "PORTOLAN_ALLOW_UNSANDBOXED",
        doc: "Whether servers of a sandbox start without isolation where none is possible.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.allow_unsandboxed = given.bool(),
        show: |settings| Given::Bool(settings.allow_unsandboxed),
        check: anything,
    },
    Key {
        name: "pull",
        env: "PORTOLAN_PULL",
        doc: "When images of containers are fetched: missing, when they are not there; always, when they are first used; never.",
        kind: Kind::Choice(&["missing", "always", "never"]),
        from_project: false,
        set: |settings, given| settings.pull = Pull::parse(&given.text()).unwrap_or_default(),
        show: |settings| Given::Text(settings.pull.to_string()),
        check: anything,
    },
    Key {
        name: "memory",
        env: "PORTOLAN_MEMORY",
        doc: "How much memory a server in a box or container may use, such as 512m or 2g, unless its entry says otherwise.",
        kind: Kind::Text,
        from_project: false,
        set: |settings, given| settings.memory = given.text(),
        show: |settings| Given::Text(settings.memory.clone()),
        check: is_memory,
    },
    Key {
        name: "cpus",
        env: "PORTOLAN_CPUS",
        doc: "How many processors a server in a box or container may use, also parts of one, unless its entry says otherwise.",
        kind: Kind::Text,
        from_project: false,
        set: |settings, given| settings.cpus = given.text(),
        show: |settings| Given::Text(settings.cpus.clone()),
        check: are_cpus,
    },
    Key {
        name: "pids",
        env: "PORTOLAN_PIDS",
        doc: "How many processes and threads a server in a box or container may have, unless its entry says otherwise.",
        kind: Kind::Whole {
            min: 1,
            max: PIDS_MAX,
        },
        from_project: false,
        set: |settings, given| settings.pids = u32::try_from(given.whole()).unwrap_or(u32::MAX),
        show: |settings| Given::Whole(settings.pids.into()),
        check: anything,
    },
    Key {
        name: "install_scripts",
        env: "PORTOLAN_INSTALL_SCRIPTS",
        doc: "Packages that may run scripts of their own while they are installed, or be built: npm:NAME or pypi:NAME.",
        kind: Kind::Texts,
        from_project: false,
        set: |settings, given| settings.install_scripts = given.texts(),
        show: |settings| Given::Texts(settings.install_scripts.clone()),
        check: are_packages,
    },
    Key {
        name: "verify_signatures",
        env: "PORTOLAN_VERIFY_SIGNATURES",
        doc: "Whether every image of a container has to be signed by one of image_keys.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.verify_signatures = given.bool(),
        show: |settings| Given::Bool(settings.verify_signatures),
        check: anything,
    },
    Key {
        name: "image_keys",
        env: "PORTOLAN_IMAGE_KEYS",
        doc: "By which key images have to be signed: IMAGE=FILE, where IMAGE may end in a star, or catalog:NAME=FILE.",
        kind: Kind::Texts,
        from_project: false,
        set: |settings, given| settings.image_keys = given.texts(),
        show: |settings| Given::Texts(settings.image_keys.clone()),
        check: are_image_keys,
    },
    Key {
        name: "dynamic_tools",
        env: "PORTOLAN_DYNAMIC_TOOLS",
        doc: "Whether agents can find and add servers by the gateway's own tools.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.dynamic_tools = given.bool(),
        show: |settings| Given::Bool(settings.dynamic_tools),
        check: anything,
    },
    Key {
        name: "code_mode",
        env: "PORTOLAN_CODE_MODE",
        doc: "Whether agents can write scripts over the tools of servers, where they can find and add these.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.code_mode = given.bool(),
        show: |settings| Given::Bool(settings.code_mode),
        check: anything,
    },
    Key {
        name: "script_time_s",
        env: "PORTOLAN_SCRIPT_TIME_S",
        doc: "How many seconds a script may take, waiting for people not counted.",
        kind: Kind::Whole {
            min: 1,
            max: SCRIPT_TIME_S_MAX,
        },
        from_project: false,
        set: |settings, given| settings.script_time_s = given.whole(),
        show: |settings| Given::Whole(settings.script_time_s),
        check: anything,
    },
    Key {
        name: "script_calls_max",
        env: "PORTOLAN_SCRIPT_CALLS_MAX",
        doc: "How many calls of tools one script may make.",
        kind: Kind::Whole {
            min: 1,
            max: SCRIPT_CALLS_MAX,
        },
        from_project: false,
        set: |settings, given| {
            settings.script_calls_max = u32::try_from(given.whole()).unwrap_or(1);
        },
        show: |settings| Given::Whole(settings.script_calls_max.into()),
        check: anything,
    },
    Key {
        name: "script_inflight_max",
        env: "PORTOLAN_SCRIPT_INFLIGHT_MAX",
        doc: "How many calls of one script may be in flight; further ones wait for their turn.",
        kind: Kind::Whole {
            min: 1,
            max: SCRIPT_INFLIGHT_MAX,
        },
        from_project: false,
        set: |settings, given| {
            settings.script_inflight_max = u32::try_from(given.whole()).unwrap_or(1);
        },
        show: |settings| Given::Whole(settings.script_inflight_max.into()),
        check: anything,
    },
    Key {
        name: "script_memory_bytes_max",
        env: "PORTOLAN_SCRIPT_MEMORY_BYTES_MAX",
        doc: "The memory of one script in bytes.",
        kind: Kind::Whole {
            min: SCRIPT_MEMORY_BYTES_MIN,
            max: SCRIPT_MEMORY_BYTES_MAX,
        },
        from_project: false,
        set: |settings, given| settings.script_memory_bytes_max = given.size(),
        show: |settings| Given::Whole(settings.script_memory_bytes_max as u64),
        check: anything,
    },
    Key {
        name: "script_value_bytes_max",
        env: "PORTOLAN_SCRIPT_VALUE_BYTES_MAX",
        doc: "The largest value in bytes that goes into a call of a script or comes out of it.",
        kind: Kind::Whole {
            min: SCRIPT_VALUE_BYTES_MIN,
            max: SCRIPT_VALUE_BYTES_MAX,
        },
        from_project: false,
        set: |settings, given| settings.script_value_bytes_max = given.size(),
        show: |settings| Given::Whole(settings.script_value_bytes_max as u64),
        check: anything,
    },
    Key {
        name: "script_log_bytes_max",
        env: "PORTOLAN_SCRIPT_LOG_BYTES_MAX",
        doc: "How many bytes one script may log.",
        kind: Kind::Whole {
            min: 0,
            max: SCRIPT_LOG_BYTES_MAX,
        },
        from_project: false,
        set: |settings, given| settings.script_log_bytes_max = given.size(),
        show: |settings| Given::Whole(settings.script_log_bytes_max as u64),
        check: anything,
    },
    Key {
        name: "script_result_bytes_max",
        env: "PORTOLAN_SCRIPT_RESULT_BYTES_MAX",
        doc: "How many bytes of a result an agent gets; what is larger is kept, and read by range.",
        kind: Kind::Whole {
            min: SCRIPT_RESULT_BYTES_MIN,
            max: SCRIPT_RESULT_BYTES_MAX,
        },
        from_project: false,
        set: |settings, given| settings.script_result_bytes_max = given.size(),
        show: |settings| Given::Whole(settings.script_result_bytes_max as u64),
        check: anything,
    },
    Key {
        name: "profile_tools",
        env: "PORTOLAN_PROFILE_TOOLS",
        doc: "Whether agents can save the servers of a conversation as a profile, and take a profile into one.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.profile_tools = given.bool(),
        show: |settings| Given::Bool(settings.profile_tools),
        check: anything,
    },
    Key {
        name: "find_tools",
        env: "PORTOLAN_FIND_TOOLS",
        doc: "Whether agents can search for single tools, beside servers.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.find_tools = given.bool(),
        show: |settings| Given::Bool(settings.find_tools),
        check: anything,
    },
    Key {
        name: "registry_import",
        env: "PORTOLAN_REGISTRY_IMPORT",
        doc: "Whether agents can make the servers of a catalog or registry at a public address findable.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.registry_import = given.bool(),
        show: |settings| Given::Bool(settings.registry_import),
        check: anything,
    },
    Key {
        name: "discover_prompt",
        env: "PORTOLAN_DISCOVER_PROMPT",
        doc: "Whether there is a prompt that explains to an agent how to find and use servers.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.discover_prompt = given.bool(),
        show: |settings| Given::Bool(settings.discover_prompt),
        check: anything,
    },
    Key {
        name: "tool_name_prefix",
        env: "PORTOLAN_TOOL_NAME_PREFIX",
        doc: "Whether every tool is called server__tool, also where its own name would do.",
        kind: Kind::Bool,
        from_project: true,
        set: |settings, given| settings.tool_name_prefix = given.bool(),
        show: |settings| Given::Bool(settings.tool_name_prefix),
        check: anything,
    },
    Key {
        name: "log_calls",
        env: "PORTOLAN_LOG_CALLS",
        doc: "Whether each call is logged, with its time and result but not its content.",
        kind: Kind::Bool,
        from_project: true,
        set: |settings, given| settings.log_calls = given.bool(),
        show: |settings| Given::Bool(settings.log_calls),
        check: anything,
    },
    Key {
        name: "log_format",
        env: "PORTOLAN_LOG_FORMAT",
        doc: "How log lines look; auto is text on a terminal and JSON otherwise.",
        kind: Kind::Choice(&["auto", "text", "json"]),
        from_project: true,
        set: |settings, given| {
            settings.log_format = LogFormat::parse(&given.text()).unwrap_or_default();
        },
        show: |settings| Given::Text(settings.log_format.to_string()),
        check: anything,
    },
    Key {
        name: "call_timeout_s",
        env: "PORTOLAN_CALL_TIMEOUT_S",
        doc: "How many seconds a call may take.",
        kind: Kind::Whole {
            min: 1,
            max: CALL_TIMEOUT_S_MAX,
        },
        from_project: true,
        set: |settings, given| settings.call_timeout_s = given.whole(),
        show: |settings| Given::Whole(settings.call_timeout_s),
        check: anything,
    },
    Key {
        name: "start_timeout_s",
        env: "PORTOLAN_START_TIMEOUT_S",
        doc: "How many seconds a server may take to start.",
        kind: Kind::Whole {
            min: 1,
            max: START_TIMEOUT_S_MAX,
        },
        from_project: true,
        set: |settings, given| settings.start_timeout_s = given.whole(),
        show: |settings| Given::Whole(settings.start_timeout_s),
        check: anything,
    },
    Key {
        name: "list_wait_s",
        env: "PORTOLAN_LIST_WAIT_S",
        doc: "How many seconds the first list waits for servers whose tools were never seen.",
        kind: Kind::Whole {
            min: 0,
            max: LIST_WAIT_S_MAX,
        },
        from_project: true,
        set: |settings, given| settings.list_wait_s = given.whole(),
        show: |settings| Given::Whole(settings.list_wait_s),
        check: anything,
    },
    Key {
        name: "idle_timeout_s",
        env: "PORTOLAN_IDLE_TIMEOUT_S",
        doc: "After how many seconds without a call a server is stopped; 0 never stops it.",
        kind: Kind::Whole {
            min: 0,
            max: IDLE_TIMEOUT_S_MAX,
        },
        from_project: true,
        set: |settings, given| settings.idle_timeout_s = given.whole(),
        show: |settings| Given::Whole(settings.idle_timeout_s),
        check: anything,
    },
    Key {
        name: "sessions_max",
        env: "PORTOLAN_SESSIONS_MAX",
        doc: "How many sessions there may be at once.",
        kind: Kind::Whole {
            min: 1,
            max: SESSIONS_MAX,
        },
        from_project: true,
        set: |settings, given| settings.sessions_max = given.size(),
        show: |settings| Given::Whole(settings.sessions_max as u64),
        check: anything,
    },
    Key {
        name: "sessions_idle_s",
        env: "PORTOLAN_SESSIONS_IDLE_S",
        doc: "After how many unused seconds a session ends; 0 never ends it.",
        kind: Kind::Whole {
            min: 0,
            max: SESSIONS_IDLE_S_MAX,
        },
        from_project: true,
        set: |settings, given| settings.sessions_idle_s = given.whole(),
        show: |settings| Given::Whole(settings.sessions_idle_s),
        check: anything,
    },
    Key {
        name: "inflight_max",
        env: "PORTOLAN_INFLIGHT_MAX",
        doc: "How many calls one session may have in flight.",
        kind: Kind::Whole {
            min: 1,
            max: INFLIGHT_MAX,
        },
        from_project: true,
        set: |settings, given| settings.inflight_max = given.size(),
        show: |settings| Given::Whole(settings.inflight_max as u64),
        check: anything,
    },
    Key {
        name: "body_bytes_max",
        env: "PORTOLAN_BODY_BYTES_MAX",
        doc: "The largest request body in bytes.",
        kind: Kind::Whole {
            min: BODY_BYTES_MIN,
            max: BODY_BYTES_MAX,
        },
        from_project: true,
        set: |settings, given| settings.body_bytes_max = given.size(),
        show: |settings| Given::Whole(settings.body_bytes_max as u64),
        check: anything,
    },
    Key {
        name: "allowed_hosts",
        env: "PORTOLAN_ALLOWED_HOSTS",
        doc: "Values of the Host header accepted beside those of this machine: name or name:port, * for any.",
        kind: Kind::Texts,
        from_project: false,
        set: |settings, given| settings.allowed_hosts = given.texts(),
        show: |settings| Given::Texts(settings.allowed_hosts.clone()),
        check: are_hosts,
    },
    Key {
        name: "allowed_origins",
        env: "PORTOLAN_ALLOWED_ORIGINS",
        doc: "Values of the Origin header accepted beside those of this machine: https://name or https://name:port, * for any.",
        kind: Kind::Texts,
        from_project: false,
        set: |settings, given| settings.allowed_origins = given.texts(),
        show: |settings| Given::Texts(settings.allowed_origins.clone()),
        check: are_origins,
    },
    Key {
        name: "allow_unauthenticated",
        env: "PORTOLAN_ALLOW_UNAUTHENTICATED",
        doc: "Whether the HTTP front door asks for no token: anybody who reaches it may then call every tool.",
        kind: Kind::Bool,
        from_project: false,
        set: |settings, given| settings.allow_unauthenticated = given.bool(),
        show: |settings| Given::Bool(settings.allow_unauthenticated),
        check: anything,
    },
];

fn anything(_: &Given) -> Result<(), String> {
    Ok(())
}

fn is_host(given: &Given) -> Result<(), String> {
    let host = given.to_string();
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(&host);
    let is_name = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    match is_name || bare.parse::<std::net::Ipv6Addr>().is_ok() {
        true => Ok(()),
        false => Err(format!(
            "must be a host name or an address without a port, found \"{host}\""
        )),
    }
}

fn are_hosts(given: &Given) -> Result<(), String> {
    each(
        given,
        "a host such as example.com or example.com:8811",
        |host| !host.is_empty() && !host.contains(['/', '@', ' ', '?', '#']),
    )
}

fn are_image_keys(given: &Given) -> Result<(), String> {
    each(
        given,
        "IMAGE=FILE or catalog:NAME=FILE, such as ghcr.io/acme/*=/home/me/acme.pub",
        |rule| {
            let parts = rule.split_once('=');
            parts.is_some_and(|(left, key)| !left.trim().is_empty() && !key.trim().is_empty())
        },
    )
}

fn are_packages(given: &Given) -> Result<(), String> {
    each(given, "a package, npm:NAME or pypi:NAME", |package| {
        let name = package
            .strip_prefix("npm:")
            .or_else(|| package.strip_prefix("pypi:"));
        name.is_some_and(|name| {
            !name.is_empty() && !name.starts_with('-') && !name.contains(char::is_whitespace)
        })
    })
}

fn are_origins(given: &Given) -> Result<(), String> {
    each(
        given,
        "an origin such as https://example.com, without a path",
        |origin| {
            origin == "*"
                || origin.split_once("://").is_some_and(|(scheme, host)| {
                    !scheme.is_empty()
                        && !host.is_empty()
                        && !host.contains(['/', '@', ' ', '?', '#'])
                })
        },
    )
}

fn each(given: &Given, wanted: &str, valid: fn(&str) -> bool) -> Result<(), String> {
    match given.clone().texts().iter().find(|item| !valid(item)) {
        Some(item) => Err(format!("must hold {wanted}, found \"{item}\"")),
        None => Ok(()),
    }
}

fn is_memory(given: &Given) -> Result<(), String> {
    let Given::Text(text) = given else {
        return Ok(());
    };
    match catalog::size_in_bytes(text) {
        Some(bytes) if bytes >= MEMORY_BYTES_MIN => Ok(()),
        Some(_) => Err(format!(
            "it must be at least {} MiB",
            MEMORY_BYTES_MIN >> 20
        )),
        None => Err("write a size such as 512m or 2g".to_owned()),
    }
}

fn are_cpus(given: &Given) -> Result<(), String> {
    let Given::Text(text) = given else {
        return Ok(());
    };
    match text.parse::<f32>() {
        Ok(cpus) if (0.01..=CPUS_MAX).contains(&cpus) => Ok(()),
        _ => Err(format!(
            "write a number from 0.01 to {CPUS_MAX}, such as 0.5"
        )),
    }
}
