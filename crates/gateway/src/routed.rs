//! Phase 3 for requests that a server answers: which one, under which name there, and the request as it leaves.

use std::sync::Arc;

use wire::{Edits, Era, Object, ObjectError, from_header, meta, method, quote};

use crate::annotation::{self, Mirrored};
use crate::bridge::{self, Inquiry, Retry};
use crate::call::{Call, well_known};
use crate::core::Wanted;
use crate::eras::other;
use crate::error::Fault;
use crate::front::StatelessHeaders;
use crate::identify::named_by;
use crate::lists::Kind;
use crate::naming;
use crate::trace::Trace;
use crate::upstream::{Behalf, Outgoing, may_ask};
use crate::view::{Target, View};

/// A request ready to leave.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) out: Outgoing,
    /// What it brings for a call that waits for its client.
    pub(crate) retry: Option<Retry>,
}

/// What a request asks for.
struct Subject<'a> {
    kind: Asked,
    /// As the client named it.
    name: std::borrow::Cow<'a, str>,
    /// Where it stands in the request.
    raw: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Listed(Kind),
    Task,
    /// A method that we know nothing of.
    Anything,
}

/// Finds the server and writes the request for it.
pub(crate) async fn plan(call: &mut Call) -> Result<Plan, Fault> {
    let look = |view: &View, may_guess: bool| plan_in(call, view, may_guess);
    let plan = call.core.found(&call.side(), look, wanted).await;
    if let Err(Fault::Unknown {
        kind: "tool", name, ..
    }) = &plan
        && let Some(denial) = call.core.closed_tool(&call.side(), name)
    {
        return Err(Fault::Denied(denial));
    }
    let (plan, trace, name) = plan?;
    call.server = Some(plan.target.server.clone());
    call.trace = trace;
    call.name = name;
    Ok(plan)
}

fn wanted(plan: &Result<Planned, Fault>) -> Wanted<'_> {
    match plan {
        Ok((plan, ..)) => Wanted::Of(&plan.target.server),
        Err(Fault::Unknown { .. } | Fault::UnknownResource(_) | Fault::UnknownMethod(_)) => {
            Wanted::Unknown
        }
        Err(_) => Wanted::Nothing,
    }
}

type Planned = (Plan, Option<Trace>, Option<Box<str>>);

fn plan_in(call: &Call, view: &View, may_guess: bool) -> Result<Planned, Fault> {
    let params = call.params()?;
    let subject = subject(call, &params)?;
    let target = match &call.exec {
        Some(exec) => view.current(&exec.target),
        None => find(call, view, &subject, may_guess)?,
    };
    let mut edits = call.frame.edit();
    let id = call.id.to_string();
    edits.replace(call.raw_id(), id.clone());
    if let Some(exec) = &call.exec {
        edits.set(&params, "arguments", exec.arguments.as_str());
        if exec.has_answered {
            edits.remove(&params, "inputResponses");
            edits.remove(&params, "requestState");
        }
    }
    if subject.kind != Asked::Anything && *subject.name != *target.own {
        edits.replace(subject.raw, quote(&target.own));
    }
    let bad_meta = |e: ObjectError| Fault::Params(format!("_meta: {e}"));
    let meta = params.object("_meta").map_err(bad_meta)?;
    let (progress, trace) = match &meta {
        Some(meta) => hop(meta, call.span, id, &mut edits)?,
        None => (None, None),
    };
    // Where that is not known yet, it is so as soon as the server is up.
    let known = || call.core.wire_era(&target.server, call.era);
    let era = call.speaks.or_else(known).unwrap_or(call.era);
    let mut retry = None;
    match (call.era, era, &call.session) {
        (Era::Stateless, Era::Handshake, _) => {
            bridge::strip(call.frame.method(), &params, &mut edits).map_err(bad_meta)?;
            retry = retry_of(call, &params)?;
        }
        (Era::Handshake, Era::Stateless, Some(session)) => {
            let stamp = bridge::Stamp::of(session);
            bridge::stamp(&call.frame, &params, stamp, &mut edits).map_err(bad_meta)?;
        }
        _ => {}
    }
    let mut mirrored = Vec::new();
    if (era == Era::Stateless || call.headers.is_some()) && !target.mirrored.is_empty() {
        mirrored = match &call.exec {
            // What our own tool's headers say is about that.
            Some(exec) => {
                let params = Object::parse(&exec.params);
                let params = params.map_err(|e| Fault::Params(e.to_string()))?;
                headers(&params, &target.mirrored, None)?
            }
            None => headers(&params, &target.mirrored, call.headers.as_deref())?,
        };
    }
    if era == Era::Handshake {
        mirrored.clear();
    }
    let is_named = era == Era::Stateless && named_by(call.frame.method()).is_some();
    let out = Outgoing {
        id: call.id,
        era,
        frame: edits.apply(),
        method: well_known(call.frame.method()),
        name: is_named.then(|| target.own.to_string()),
        params: mirrored,
        progress,
        behalf: behalf(call, era),
    };
    let name = (subject.kind != Asked::Anything).then(|| match &call.exec {
        Some(exec) => exec.target.own.clone(),
        None => Box::from(&*subject.name),
    });
    let plan = Plan { target, out, retry };
    Ok((plan, trace, name))
}

/// Who can be asked about the call, or what it wants to hear with it.
fn behalf(call: &Call, era: Era) -> Behalf {
    if let (Some(session), Era::Handshake) = (&call.session, call.era) {
        return Behalf::Session(session.clone());
    }
    let level = call.log_level;
    match era {
        Era::Stateless => Behalf::Stateless(level),
        Era::Handshake => Behalf::Bridged(Inquiry::new(
            &call.handle,
            call.frame.method(),
            call.asks,
            level,
        )),
    }
}

/// The state that a request brings for a server that cannot have given it.
pub(crate) fn retry_of(call: &Call, params: &Object<'_>) -> Result<Option<Retry>, Fault> {
    let bad = |e: ObjectError| Fault::Params(e.to_string());
    let has_answered = call.exec.as_ref().is_some_and(|exec| exec.has_answered);
    if !may_ask(call.frame.method()) || has_answered {
        return Ok(None);
    }
    let Some(state) = params.string("requestState").map_err(bad)? else {
        return Ok(None);
    };
    let responses = params.get("inputResponses").map_err(bad)?;
    Ok(Some(Retry {
        state: state.into_owned(),
        responses: responses.map(str::to_owned),
    }))
}

/// What in `_meta` belongs to the hop: progress comes to us first, and the trace goes on from our span.
fn hop<'a>(
    meta: &Object<'a>,
    span: u64,
    id: String,
    edits: &mut Edits<'a>,
) -> Result<(Option<Box<str>>, Option<Trace>), Fault> {
    let bad = |e: wire::ObjectError| Fault::Params(format!("_meta: {e}"));
    let token = meta
        .get(meta::PROGRESS_TOKEN)
        .map_err(bad)?
        .filter(|token| *token != "null");
    if let Some(token) = token {
        edits.replace(token, id);
    }
    let mut trace = None;
    if let Some(raw) = meta.get(meta::TRACEPARENT).map_err(bad)? {
        trace = meta
            .string(meta::TRACEPARENT)
            .ok()
            .flatten()
            .and_then(|text| Trace::parse(&text));
        if let Some(trace) = &trace {
            edits.replace(raw, quote(&trace.with_span(span)));
        }
    }
    Ok((token.map(Into::into), trace))
}

fn subject<'a>(call: &Call, params: &Object<'a>) -> Result<Subject<'a>, Fault> {
    let asked = call.frame.method();
    let of = |object: &Object<'a>, member: &str, kind: Asked| -> Result<Subject<'a>, Fault> {
        let bad = |e: wire::ObjectError| Fault::Params(e.to_string());
        let name = object.string(member).map_err(bad)?;
        let name = name.ok_or_else(|| Fault::Params(format!("{member:?} is missing")))?;
        let raw = object.get(member).map_err(bad)?.unwrap_or_default();
        Ok(Subject { kind, name, raw })
    };
    match asked {
        method::TOOLS_CALL => of(params, "name", Asked::Listed(Kind::Tools)),
        method::PROMPTS_GET => of(params, "name", Asked::Listed(Kind::Prompts)),
        method::RESOURCES_READ | method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE => {
            of(params, "uri", Asked::Listed(Kind::Resources))
        }
        method::COMPLETION_COMPLETE => {
            let reference = params
                .object("ref")
                .map_err(|e| Fault::Params(format!("ref: {e}")))?;
            let reference =
                reference.ok_or_else(|| Fault::Params("\"ref\" is missing".to_owned()))?;
            match reference.string("type").ok().flatten().as_deref() {
                Some("ref/prompt") => of(&reference, "name", Asked::Listed(Kind::Prompts)),
                Some("ref/resource") => of(&reference, "uri", Asked::Listed(Kind::Templates)),
                _ => Err(Fault::Params(
                    "ref.type must be \"ref/prompt\" or \"ref/resource\"".to_owned(),
                )),
            }
        }
        _ if asked.starts_with("tasks/") => of(params, "taskId", Asked::Task),
        _ => Ok(Subject {
            kind: Asked::Anything,
            name: asked.to_owned().into(),
            raw: "",
        }),
    }
}

fn find(call: &Call, view: &View, subject: &Subject<'_>, may_guess: bool) -> Result<Target, Fault> {
    match subject.kind {
        Asked::Listed(kind @ (Kind::Tools | Kind::Prompts)) => view
            .target(kind, &subject.name)
            .cloned()
            .or_else(|| view.qualified(kind, &subject.name))
            .ok_or_else(|| Fault::Unknown {
                kind: if kind == Kind::Tools {
                    "tool"
                } else {
                    "prompt"
                },
                name: subject.name.to_string(),
                // Else it is asked again, of all.
                nearest: match may_guess {
                    true => naming::nearest(&subject.name, view.names(kind)),
                    false => Vec::new(),
                },
            }),
        Asked::Listed(Kind::Templates) => view
            .target(Kind::Templates, &subject.name)
            .cloned()
            .or_else(|| view.resource(&subject.name, may_guess))
            .ok_or_else(|| Fault::UnknownResource(subject.name.to_string())),
        Asked::Listed(Kind::Resources) => view
            .resource(&subject.name, may_guess)
            .ok_or_else(|| Fault::UnknownResource(subject.name.to_string())),
        Asked::Task => {
            let unknown = || Fault::Unknown {
                kind: "task",
                name: subject.name.to_string(),
                nearest: Vec::new(),
            };
            let (server, id) = call
                .core
                .tasks
                .open(&subject.name, &call.workspace.caller)
                .ok_or_else(unknown)?;
            let server = call
                .core
                .server_in(&call.workspace, &server)
                .ok_or_else(unknown)?;
            // Tasks of one era are unknown in the other.
            if call.core.wire_era(&server, call.era) == Some(other(call.era)) {
                return Err(unknown());
            }
            Ok(Target {
                server,
                own: id.into(),
                mirrored: Arc::new([]),
            })
        }
        Asked::Anything => {
            // Whoever else could have meant it, one server alone surely is.
            let [part] = &view.parts[..] else {
                return Err(Fault::UnknownMethod(subject.name.to_string()));
            };
            Ok(Target {
                server: part.server.clone(),
                own: subject.name.as_ref().into(),
                mirrored: Arc::new([]),
            })
        }
    }
}

/// The `Mcp-Param-*` headers of the next hop, from the body; those that came must say the same.
pub(crate) fn headers(
    params: &Object<'_>,
    mirrored: &[Mirrored],
    came: Option<&StatelessHeaders>,
) -> Result<Vec<(String, String)>, Fault> {
    let bad = |e: ObjectError| Fault::Params(format!("arguments: {e}"));
    let given = params.object("arguments").map_err(bad)?;
    let arguments =
        given.unwrap_or_else(|| Object::parse("{}").expect("an empty object is an object"));
    // What is read here and what the server reads must be the same.
    wire::strict(arguments.raw()).map_err(bad)?;
    let mut headers = Vec::new();
    for mirrored in mirrored {
        let value = annotation::value_of(&arguments, &mirrored.path);
        if let Some(came) = came {
            agrees(came, &mirrored.header, value.as_deref())?;
        }
        if let Some(value) = value {
            headers.push((
                format!("mcp-param-{}", mirrored.header.to_ascii_lowercase()),
                wire::header_value(&value),
            ));
        }
    }
    Ok(headers)
}

fn agrees(came: &StatelessHeaders, header: &str, value: Option<&str>) -> Result<(), Fault> {
    let found = came
        .params
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(header))
        .map(|(_, value)| value);
    let decoded = match found {
        None => None,
        Some(raw) => Some(from_header(raw).ok_or_else(|| {
            Fault::Header(format!(
                "Mcp-Param-{header} {raw:?} is not properly encoded"
            ))
        })?),
    };
    match (decoded.as_deref(), value) {
        (a, b) if a == b => Ok(()),
        (Some(header_says), Some(body)) => Err(Fault::Header(format!(
            "Mcp-Param-{header} is {header_says:?}, the body says {body:?}"
        ))),
        (None, _) => Err(Fault::Header(format!("Mcp-Param-{header} is missing"))),
        (Some(_), None) => Err(Fault::Header(format!(
            "Mcp-Param-{header} is there, the argument is not"
        ))),
    }
}
