//! `policy set` and `policy dump` of Docker: they speak of what Docker Desktop keeps, so all there is here is what to do instead.

use crate::error::{Failure, Kind};

/// Docker Desktop's policy over secrets: what there is instead
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What Docker takes there
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Says where the same is decided here.
pub(super) fn refused(_: &Args) -> Failure {
    let message = "Docker Desktop keeps that policy; here rules are what files say";
    Failure::new(Kind::Failed, message)
        .hint("write them as [[policy.rules]] into config.toml, or name Docker's policy JSON with --config")
        .hint("`portolan policy check` lists the rules that count, `portolan policy explain SERVER TOOL` which one decides")
        .hint("a server gets only the secrets that its entry names: `portolan catalog show SERVER` lists them")
}
