//! What a client pays for a server of the other era: the same gateway before the same echo server, in both eras each.

use std::io;

use portolan_benches::Era;

use crate::args::Options;
use crate::http::Endpoint;
use crate::results::Row;
use crate::subjects::{Bench, HttpSubject};
use crate::{load, sweep};

/// Small calls: of what the bridge does, nothing depends on the size.
const LOADS: [(usize, usize); 2] = [(100, 1), (100, 16)];

/// Client and server, and what they are called in the table. The first of each pair is what the second is held against.
pub(crate) const PAIRS: [[&str; 2]; 2] = [
    ["stateless → stateless", "stateless → handshake"],
    ["handshake → handshake", "handshake → stateless"],
];

/// Loads one gateway before each echo server. `handshake` is the one that runs already.
pub(crate) fn measure(
    bench: &Bench,
    handshake: &Endpoint,
    options: &Options,
) -> io::Result<Vec<Row>> {
    let (_echo, stateless) = bench.echo(Era::Stateless, 0, options.sse)?;
    let before = |server: &Endpoint, home: &str| {
        let config = bench.config_with_url(server)?;
        bench
            .portolan(&config, home)
            .and_then(HttpSubject::listening)
    };
    let old = before(handshake, "bridge-handshake")?;
    let new = before(&stateless.endpoint, "bridge-stateless")?;
    let subjects = [
        (Era::Stateless, &new),
        (Era::Stateless, &old),
        (Era::Handshake, &old),
        (Era::Handshake, &new),
    ];
    let names = PAIRS.as_flattened().iter().map(|name| (*name).to_owned());
    let names: Vec<String> = names.collect();
    Ok(sweep(&names, options, &LOADS, |index, load| {
        let (era, gateway) = subjects[index];
        let cpu = || gateway.process.as_ref().map(|process| process.cpu(true));
        let before = cpu();
        let sample = load::over_http(era, &gateway.endpoint, load)?;
        Ok((sample, before.zip(cpu())))
    }))
}
