//! The functions that the prelude is built on.

use std::time::{Duration, Instant};

use rquickjs::{
    Array, Ctx, Exception, Function, Object, Persistent, Result, Value, function::Rest,
};

use super::bridge::{Helpers, Refused, to_json};
use super::show;
use super::state::Shared;
use crate::limits::{FOUND_MAX, LOOKUPS_MAX, MESSAGE_BYTES_MAX, TIMERS_MAX};
use crate::protocol::{FromWorker, Lookup};

/// Looks up the helpers of the prelude, which exist only after it was evaluated.
pub(crate) fn helpers<'js>(prelude: &Object<'js>) -> Result<Helpers<'js>> {
    Ok(Helpers {
        plain: prelude.get("plain")?,
        label: prelude.get("label")?,
        head: prelude.get("head")?,
        well_formed: prelude.get("wellFormed")?,
        number_of_big: prelude.get("numberOfBig")?,
        object_prototype: prelude.get("ObjectPrototype")?,
    })
}

/// Where the prelude's object is kept once there is one.
pub(crate) type PreludeCell = std::rc::Rc<std::cell::RefCell<Option<Persistent<Object<'static>>>>>;

fn helpers_of<'js>(ctx: &Ctx<'js>, cell: &PreludeCell) -> Result<Helpers<'js>> {
    let prelude = cell.borrow().clone();
    match prelude {
        Some(prelude) => helpers(&prelude.restore(ctx)?),
        None => Err(Exception::throw_message(ctx, "not ready")),
    }
}

/// The object `native`.
#[expect(clippy::too_many_lines, reason = "a list: one entry for each function")]
pub(crate) fn object<'js>(
    ctx: &Ctx<'js>,
    state: &Shared,
    cell: &PreludeCell,
) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;

    let (shared, prelude) = (state.clone(), cell.clone());
    let call = move |ctx: Ctx<'js>,
                     server: u32,
                     tool: u32,
                     args: Value<'js>,
                     resolve: Function<'js>,
                     reject: Function<'js>|
          -> Result<u32> {
        if shared.calls.get() >= shared.limits().calls {
            let message = format!(
                "a script may make {} calls, and this would be one more: return what there is, or make fewer",
                shared.limits().calls
            );
            return refuse(&ctx, &reject, "limit", &message);
        }
        let helpers = helpers_of(&ctx, &prelude)?;
        let args = crossing(&ctx, &shared, &helpers, &args, "the argument")?;
        let args = args.unwrap_or_else(|| "{}".into());
        let Ok(args) = serde_json::value::RawValue::from_string(args) else {
            return Err(Exception::throw_type(&ctx, "the argument is no JSON"));
        };
        let id = shared.take_id();
        shared.calls.set(shared.calls.get() + 1);
        shared.unused.borrow_mut().insert(id);
        let waiting = (
            Persistent::save(&ctx, resolve),
            Persistent::save(&ctx, reject),
        );
        shared.pending.borrow_mut().insert(id, waiting);
        send(
            &ctx,
            &shared,
            &FromWorker::Call {
                id,
                server,
                tool,
                args: std::borrow::Cow::Owned(args),
            },
        )?;
        Ok(id)
    };
    native.set("call", Function::new(ctx.clone(), call)?)?;

    let shared = state.clone();
    let lookup = move |ctx: Ctx<'js>,
                       kind: String,
                       args: Object<'js>,
                       resolve: Function<'js>,
                       reject: Function<'js>|
          -> Result<u32> {
        if shared.lookups.get() >= LOOKUPS_MAX {
            let message = format!(
                "a script may search and describe {LOOKUPS_MAX} times, and this would be once more"
            );
            return refuse(&ctx, &reject, "limit", &message);
        }
        shared.lookups.set(shared.lookups.get() + 1);
        let text = |key: &str| -> Result<String> {
            let mut text: String = args.get(key)?;
            text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
            Ok(text)
        };
        let offset = |key: &str| -> Result<Option<u64>> {
            let number: Option<f64> = args.get(key)?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it saturates"
            )]
            Ok(number.map(|number| number as u64))
        };
        let what = match kind.as_str() {
            "search" => Lookup::Search {
                query: text("query")?,
                limit: offset("limit")?
                    .unwrap_or(10)
                    .clamp(1, FOUND_MAX.into())
                    .try_into()
                    .unwrap_or(10),
            },
            "describe" => Lookup::Describe {
                path: text("path")?,
            },
            _ => Lookup::Kept {
                handle: text("handle")?,
                from: offset("from")?,
                to: offset("to")?,
            },
        };
        let id = shared.take_id();
        let waiting = (
            Persistent::save(&ctx, resolve),
            Persistent::save(&ctx, reject),
        );
        shared.pending.borrow_mut().insert(id, waiting);
        send(&ctx, &shared, &FromWorker::Lookup { id, what })?;
        Ok(id)
    };
    native.set("lookup", Function::new(ctx.clone(), lookup)?)?;

    let shared = state.clone();
    let used = move |id: Option<u32>| {
        if let Some(id) = id {
            shared.unused.borrow_mut().remove(&id);
        }
    };
    native.set("used", Function::new(ctx.clone(), used)?)?;

    let shared = state.clone();
    let raced = move |id: Option<u32>| shared.raced.borrow_mut().extend(id);
    native.set("raced", Function::new(ctx.clone(), raced)?)?;

    let shared = state.clone();
    native.set(
        "callsMade",
        Function::new(ctx.clone(), move || shared.calls.get())?,
    )?;

    let shared = state.clone();
    native.set(
        "random",
        Function::new(ctx.clone(), move || shared.random())?,
    )?;

    let shared = state.clone();
    let tool = move |ctx: Ctx<'js>, server: usize, written: String, quiet: bool| -> Result<i32> {
        match shared.names.borrow().tool(server, &written) {
            Ok(tool) => Ok(i32::try_from(tool).unwrap_or(-1)),
            Err(_) if quiet => Ok(-1),
            Err(message) => Err(Exception::throw_type(&ctx, &message)),
        }
    };
    native.set("tool", Function::new(ctx.clone(), tool)?)?;

    let shared = state.clone();
    let server = move |ctx: Ctx<'js>, written: String| -> Result<usize> {
        shared
            .names
            .borrow()
            .server(&written)
            .map_err(|message| Exception::throw_type(&ctx, &message))
    };
    native.set("server", Function::new(ctx.clone(), server)?)?;

    let shared = state.clone();
    let find = move |ctx: Ctx<'js>, server: String, tool: Option<String>| -> Result<Vec<usize>> {
        let names = shared.names.borrow();
        let found = match tool {
            None => names.path(&server),
            Some(tool) => names
                .server(&server)
                .and_then(|at| Ok((at, names.tool(at, &tool)?))),
        };
        let (server, tool) = found.map_err(|message| Exception::throw_type(&ctx, &message))?;
        Ok(vec![server, tool])
    };
    native.set("find", Function::new(ctx.clone(), find)?)?;

    let shared = state.clone();
    let label = move |server: usize, tool: usize| shared.names.borrow().label(server, tool);
    native.set("label", Function::new(ctx.clone(), label)?)?;

    let shared = state.clone();
    let idents = move |ctx: Ctx<'js>, server: usize| -> Result<Array<'js>> {
        let names = shared.names.borrow();
        let idents = Array::new(ctx)?;
        for (index, tool) in names
            .servers
            .get(server)
            .map_or(&[][..], |server| &server.tools)
            .iter()
            .enumerate()
        {
            idents.set(index, tool.ident.as_str())?;
        }
        Ok(idents)
    };
    native.set("idents", Function::new(ctx.clone(), idents)?)?;

    let shared = state.clone();
    let sleep = move |ctx: Ctx<'js>, ms: f64, wake: Function<'js>| -> Result<u32> {
        if shared.timers.borrow().len() >= TIMERS_MAX {
            return Err(Exception::throw_range(
                &ctx,
                &format!("a script may have {TIMERS_MAX} timers at a time"),
            ));
        }
        // Longer than any script.
        let ms = if ms.is_finite() {
            ms.clamp(0.0, 1e9)
        } else {
            0.0
        };
        let id = shared.take_id();
        let due = Instant::now() + Duration::from_secs_f64(ms / 1e3);
        shared
            .timers
            .borrow_mut()
            .insert((due, id), Persistent::save(&ctx, wake));
        Ok(id)
    };
    native.set("sleep", Function::new(ctx.clone(), sleep)?)?;

    let shared = state.clone();
    let wake = move |id: f64| {
        shared
            .timers
            .borrow_mut()
            .retain(|(_, timer), _| f64::from(*timer) != id);
    };
    native.set("wake", Function::new(ctx.clone(), wake)?)?;

    let (shared, prelude) = (state.clone(), cell.clone());
    let log = move |ctx: Ctx<'js>, level: String, values: Array<'js>| -> Result<bool> {
        if let Some(room) = shared.log_room() {
            let helpers = helpers_of(&ctx, &prelude)?;
            let values = (0..values.len())
                .map(|index| values.get(index))
                .collect::<Result<Vec<Value<'js>>>>()?;
            let text = show::line(&ctx, &helpers, &values, room);
            // An interrupt that was caught on the way still counts.
            shared.log(&level, text);
            return Ok(false);
        }
        Ok(true)
    };
    native.set("log", Function::new(ctx.clone(), log)?)?;

    let shared = state.clone();
    let note = move |text: String| shared.log("note", text);
    native.set("note", Function::new(ctx.clone(), note)?)?;

    let (shared, prelude) = (state.clone(), cell.clone());
    let clone = move |ctx: Ctx<'js>, value: Value<'js>| -> Result<Value<'js>> {
        let helpers = helpers_of(&ctx, &prelude)?;
        match crossing(&ctx, &shared, &helpers, &value, "the value")? {
            Some(text) => ctx.json_parse(text),
            None => Ok(Value::new_undefined(ctx.clone())),
        }
    };
    native.set("clone", Function::new(ctx.clone(), clone)?)?;

    let is_promise = |values: Rest<Value<'js>>| values.0.first().is_some_and(Value::is_promise);
    native.set("isPromise", Function::new(ctx.clone(), is_promise)?)?;

    let prelude = cell.clone();
    let is_plain = move |ctx: Ctx<'js>, value: Value<'js>| -> Result<bool> {
        let helpers = helpers_of(&ctx, &prelude)?;
        Ok(!value.is_proxy()
            && !value.is_array()
            && value.as_object().is_some_and(|object| {
                object
                    .get_prototype()
                    .is_some_and(|prototype| prototype == helpers.object_prototype)
            }))
    };
    native.set("isPlain", Function::new(ctx.clone(), is_plain)?)?;
    Ok(native)
}

/// Failures that are remembered until somebody listens.
const UNHEARD_MAX: usize = 16;

/// Keeps the books of promises that fail while nobody listens.
pub(crate) fn track_failures(runtime: &rquickjs::Runtime, state: &Shared, cell: &PreludeCell) {
    let (shared, prelude) = (state.clone(), cell.clone());
    runtime.set_host_promise_rejection_tracker(Some(Box::new(
        move |ctx, promise, reason, is_handled| {
            let mut unheard = shared.unheard.borrow_mut();
            if is_handled {
                unheard.retain(|(failed, _)| {
                    failed.clone().restore(&ctx).ok().as_ref() != Some(&promise)
                });
            } else if unheard.len() < UNHEARD_MAX
                && let Ok(helpers) = helpers_of(&ctx, &prelude)
            {
                // Looking at it may run code of the script, which may fail in turn.
                drop(unheard);
                let mut failed = show::error(&ctx, &helpers, &reason);
                shared.shift(&mut failed);
                shared
                    .unheard
                    .borrow_mut()
                    .push((Persistent::save(&ctx, promise), failed));
            }
        },
    )));
}

/// Fails a call at once, as if it had failed outside.
fn refuse<'js>(ctx: &Ctx<'js>, reject: &Function<'js>, kind: &str, message: &str) -> Result<u32> {
    let why = Object::new(ctx.clone())?;
    why.set("kind", kind)?;
    why.set("message", message)?;
    reject.call::<_, ()>((why,))?;
    Ok(0)
}

/// The JSON of a value that leaves, or the exception that says why it cannot.
fn crossing<'js>(
    ctx: &Ctx<'js>,
    state: &Shared,
    helpers: &Helpers<'js>,
    value: &Value<'js>,
    what: &str,
) -> Result<Option<String>> {
    match to_json(helpers, value, what, state.limits().value_bytes) {
        Ok((text, lost)) => {
            if let Some(place) = lost.not_a_number {
                state.log(
                    "note",
                    format!("{place}, which JSON does not have: it became null"),
                );
            }
            Ok(text)
        }
        Err(Refused::Value(message)) => Err(Exception::throw_type(ctx, &message)),
        Err(Refused::Thrown(error)) => Err(error),
    }
}

fn send(ctx: &Ctx<'_>, state: &Shared, message: &FromWorker<'_>) -> Result<()> {
    state
        .channel
        .send(message)
        .map_err(|_| Exception::throw_message(ctx, "the gateway is gone"))
}
