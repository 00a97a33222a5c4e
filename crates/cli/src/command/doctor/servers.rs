//! The configured servers: whether there is anything to call, and whether each could be started.

use catalog::{Entry, Launch};

use super::finding::Finding;
use super::scene::{Scene, on_path};
use crate::error::Kind;
use crate::load::how_to_name_some;
use crate::ui::agreeing;

const CHECK: &str = "servers";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let (count, is_dynamic) = (scene.entries.len(), scene.loaded.settings.dynamic_tools);
    let mut found: Vec<Finding> = scene
        .entries
        .iter()
        .filter_map(|entry| wrong(scene, entry))
        .collect();
    let works = count - found.len().min(count);
    let are = agreeing(count, "is", "are");
    found.insert(
        0,
        match (works, is_dynamic) {
            (0, false) if count == 0 => Finding::bad(
                CHECK,
                Kind::NotFound,
                "no server is configured, and agents may not find any",
            )
            .mend(how_to_name_some(&scene.here)),
            (0, false) => Finding::bad(CHECK, Kind::Failed, "no configured server can be started"),
            (_, true) => Finding::good(
                CHECK,
                format!("{count} {are} configured, and agents can find more"),
            ),
            (_, false) => Finding::good(CHECK, format!("{count} {are} configured")),
        },
    );
    found
}

/// Why it could not be started, as far as files tell; `gateway run --dry-run` starts each to see.
fn wrong(scene: &Scene, entry: &Entry) -> Option<Finding> {
    let name = &entry.name;
    match &entry.launch {
        Launch::Unavailable { what, why } => Some(
            Finding::warning(CHECK, format!("`{name}` is {what}: {why}"))
                .mend(format!("portolan server disable {name}")),
        ),
        // What packages are run by has a check of its own.
        Launch::Command { command, .. }
            if !entry.is_template
                && !RUNTIMES.contains(&command.as_str())
                && on_path(&scene.here.env, command).is_none() =>
        {
            let what = format!("`{name}`: the program `{command}` is not there, or cannot be run");
            Some(Finding::warning(CHECK, what).mend(format!(
                "install it, or correct `command` in {}",
                entry.source
            )))
        }
        _ => None,
    }
}

const RUNTIMES: [&str; 7] = ["node", "npx", "npm", "uv", "uvx", "python", "python3"];
