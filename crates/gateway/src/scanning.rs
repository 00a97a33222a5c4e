//! Secrets where none should pass: in the arguments of calls, and in what comes back. Owns what follows from a finding; what is
//! one is `secrets::scan`'s. Arguments are refused for what has the form of a credential and never changed, for a server must do
//! what it was asked or nothing. Answers are masked, guesses included, unless the person wants them refused.

use bytes::Bytes;
use secrets::{Depth, Finding, scan, without};
use wire::{Frame, Object};

use crate::call::Call;
use crate::error::Fault;
use crate::phase::Denial;
use crate::routed::Plan;
use crate::server::Server;

/// What becomes of secrets in calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretScan {
    /// What is done.
    pub mode: ScanMode,
    /// Patterns of servers whose calls are left alone.
    pub without: Vec<String>,
}

/// What is done with what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanMode {
    /// Nothing is looked for.
    #[default]
    Off,
    /// It is masked in answers; calls that hold it are refused.
    Mask,
    /// Calls and answers that hold it are refused.
    Refuse,
}

/// An answer with something in it.
pub(crate) enum Found {
    /// Without it, and what found it.
    Masked(Bytes, &'static str),
    /// It must not pass.
    Refused(Fault),
}

impl SecretScan {
    fn covers(&self, server: &str) -> bool {
        self.mode != ScanMode::Off
            && !self
                .without
                .iter()
                .any(|pattern| policy::glob(pattern, server))
    }
}

/// Looks at a request as it leaves.
pub(crate) fn request(call: &Call, plan: &Plan) -> Result<(), Fault> {
    let server = &plan.target.server.name;
    if !call.core.settings.secret_scan.covers(server) {
        return Ok(());
    }
    let findings = scan(&plan.out.frame, Depth::Sure);
    match findings.first() {
        None => Ok(()),
        Some(finding) => Err(refused(server, finding, "the call")),
    }
}

/// Looks at an answer as the client would get it.
pub(crate) fn answer(call: &Call, server: &Server, frame: &Bytes) -> Option<Found> {
    let settings = &call.core.settings.secret_scan;
    if !settings.covers(&server.name) {
        return None;
    }
    let findings = scan(frame, Depth::Guess);
    let first = findings.first()?;
    if settings.mode == ScanMode::Refuse {
        return Some(Found::Refused(refused(&server.name, first, "the answer")));
    }
    let masked = Bytes::from(without(frame, &findings));
    let is_same_call = Frame::parse(masked.clone())
        .is_ok_and(|frame| frame.id() == Some(call.raw_id()) && is_json(&frame));
    Some(match is_same_call {
        true => Found::Masked(masked, first.rule),
        // It stood where a text has no place.
        false => Found::Refused(refused(&server.name, first, "the answer")),
    })
}

fn is_json(frame: &Frame) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(frame.bytes()).is_ok()
        && frame
            .result()
            .or(frame.error())
            .is_some_and(|raw| Object::parse(raw).is_ok())
}

fn refused(server: &str, finding: &Finding, what: &str) -> Fault {
    let rule = finding.rule;
    Fault::Denied(Denial {
        rule: Some(record(rule)),
        reason: format!(
            "{what} holds what looks like a secret ({rule}); the person who runs the gateway can let {server:?} pass with secret_scan_without = [{server:?}]"
        ),
    })
}

/// What records call a finding.
pub(crate) fn record(rule: &str) -> Box<str> {
    format!("secret-scan: {rule}").into()
}
