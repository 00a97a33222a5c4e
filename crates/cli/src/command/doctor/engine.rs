//! The container engine, where there is one, and whether anything needs it.

use super::finding::Finding;
use super::scene::Scene;

const CHECK: &str = "engine";

#[cfg(target_os = "linux")]
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    use catalog::Launch;
    use config::Runtime;

    use crate::ui::{agreeing, counted};

    let runtime = scene.loaded.settings.runtime;
    let is_image =
        |launch: &Launch| matches!(launch, Launch::Container { .. } | Launch::OneShot { .. });
    let images = scene
        .entries
        .iter()
        .filter(|entry| is_image(&entry.launch))
        .count();
    vec![match crate::containers::engine(&scene.here, runtime) {
        Ok(name) => Finding::good(CHECK, name),
        // Whoever names one wants that one.
        Err(why) if matches!(runtime, Runtime::Docker | Runtime::Podman) => {
            Finding::warning(CHECK, why).mend("start it, or set `runtime` to auto")
        }
        Err(why) if images > 0 && runtime == Runtime::Process => {
            let servers = counted(images, "server");
            let are = agreeing(images, "is an image", "are images");
            Finding::warning(CHECK, format!("{servers} {are}, and {why}"))
                .mend("--runtime auto runs images in boxes")
        }
        Err(_) => Finding::note(CHECK, "none answers: images are unpacked and run in boxes"),
    }]
}

#[cfg(not(target_os = "linux"))]
pub(super) fn check(_: &Scene) -> Vec<Finding> {
    Vec::new()
}
