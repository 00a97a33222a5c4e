//! Whether everything that runs is of one version.

use super::finding::Finding;
use super::scene::Scene;

const CHECK: &str = "versions";
const OURS: &str = env!("CARGO_PKG_VERSION");

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let others = scene.running().filter(|gateway| gateway.version != OURS);
    let mut found: Vec<Finding> = others
        .map(|gateway| {
            let what = format!(
                "gateway {} is of version {}, this is {OURS}",
                gateway.id, gateway.version
            );
            Finding::warning(CHECK, what)
                .mend(format!("stop it (kill {}) and start it again", gateway.pid))
        })
        .collect();
    found.push(Finding::good(
        CHECK,
        format!(
            "portolan {OURS}, {}-{}",
            std::env::consts::ARCH,
            std::env::consts::OS
        ),
    ));
    found
}
