//! Gateways that run: whether they answer, and which of their servers do not work.

use super::finding::Finding;
use super::scene::Scene;
use crate::running::Status;

const CHECK: &str = "gateways";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let all = match &scene.gateways {
        Ok(all) => all,
        Err(failure) => {
            let causes: Vec<String> = failure.causes().collect();
            return vec![Finding::warning(
                CHECK,
                format!("{}: {}", failure.message(), causes.join(": ")),
            )];
        }
    };
    let mut found = Vec::new();
    for (gateway, servers) in all {
        let at = gateway.url.as_deref().unwrap_or(&gateway.transport);
        let (id, pid) = (&gateway.id, gateway.pid);
        match servers {
            Err(failure) => {
                let causes: Vec<String> = failure.causes().collect();
                let what = format!("{}: {}", failure.message(), causes.join(": "));
                found.push(Finding::warning(CHECK, what).mend(format!("kill {pid}")));
            }
            Ok(servers) => {
                found.push(Finding::good(CHECK, format!("{id} ({at}, process {pid})")));
                found.extend(
                    servers
                        .iter()
                        .filter(|server| server.state == "failed")
                        .map(|server| broken(id, server)),
                );
            }
        }
    }
    if found.is_empty() {
        found.push(Finding::note(
            CHECK,
            "none is running: an application that is connected starts one",
        ));
    }
    found
}

fn broken(gateway: &str, server: &Status) -> Finding {
    let why = server.reason.as_deref().unwrap_or("it does not say why");
    Finding::warning(
        CHECK,
        format!("server `{}` does not work: {why}", server.name),
    )
    .mend(format!(
        "portolan server logs {} --gateway {gateway}",
        server.name
    ))
}
