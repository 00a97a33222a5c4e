//! The workspace as it stands keeps its own rules.

use portolan_xtask::{root, tidy};

#[test]
fn the_workspace_is_tidy() {
    let report = tidy::check(&root());
    assert!(report.failures().next().is_none(), "\n{report}");
}
