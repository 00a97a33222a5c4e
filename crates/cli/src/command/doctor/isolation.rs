//! How well servers are kept apart here.

use super::finding::Finding;
use super::scene::Scene;

const CHECK: &str = "isolation";

#[cfg(target_os = "linux")]
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    use config::Runtime;
    use launch::sandbox::Level;

    let settings = &scene.loaded.settings;
    if settings.runtime == Runtime::Process {
        return vec![
            Finding::warning(CHECK, "servers run with your rights: `runtime` is process")
                .mend("unset it: the default, auto, keeps each in a box"),
        ];
    }
    let Some(probe) = crate::launchers::probe(settings) else {
        return vec![Finding::warning(
            CHECK,
            "our own program is not found, and boxes are made by it",
        )];
    };
    let mut found = vec![match (probe.level, settings.allow_unsandboxed) {
        (Level::None, false) => Finding::warning(
            CHECK,
            "no box can be made here, so programs are not started",
        )
        .mend("portolan gateway run --allow-unsandboxed, if you trust them with your rights"),
        (Level::None, true) => Finding::warning(
            CHECK,
            "no box can be made here: servers run with your rights",
        ),
        _ => Finding::good(CHECK, probe.to_string()),
    }];
    found.extend(
        probe
            .missing
            .iter()
            .map(|missing| Finding::note(CHECK, missing.clone())),
    );
    found
}

#[cfg(not(target_os = "linux"))]
pub(super) fn check(_: &Scene) -> Vec<Finding> {
    vec![Finding::note(CHECK, "there are boxes on Linux only")]
}
