//! `mcp-add`: a server becomes usable in a workspace. Everything that it lacks is asked for at once, or named with the command
//! that gives it; until it runs and has told its tools, nothing is different.

use std::sync::Arc;

use catalog::{Catalogs, Concern, Entry, Missing, set_config_value};
use serde_json::{Map, Value, json};
use wire::{Era, quote};

use super::arguments::Arguments;
use super::ask::{self, Answer, Asked, Open, Question, Stop};
use super::credentials;
use super::errand::Errand;
use super::fetched;
use super::reply::Reply;
use super::sign_in;
use super::standing::{Standing, State, config_of, lacking};
use crate::chosen::Chosen;
use crate::error::Fault;
use crate::limits::{ADDED_MAX, SIGN_INS_MAX};
use crate::lists::{Kind, Lists};
use crate::naming;
use crate::outbox::lock;
use crate::server::Server;
use crate::view::push_item;

/// Tools named in the text.
const NAMED: usize = 12;
/// Near names told.
const NEAR: usize = 3;

pub(super) async fn add(mut errand: Errand, arguments: &Arguments) -> Result<Reply, Open> {
    let is_fresh = errand.begin();
    let outcome = added(&errand, arguments).await;
    errand.end(is_fresh);
    match outcome {
        Ok(reply) | Err(Stop::Reply(reply)) => Ok(reply),
        Err(Stop::Open(open)) => Err(open),
    }
}

async fn added(errand: &Errand, arguments: &Arguments) -> Result<Reply, Stop> {
    let name = arguments.name("name")?;
    let given = arguments.object("config")?.unwrap_or_default();
    let is_listed = arguments.flag("activate", true)?;
    let configured = errand.core.servers();
    if let Some(server) = configured.iter().find(|server| *server.name == *name)
        && !server.entry.disabled
    {
        if let Some(denial) = errand.core.closed(&errand.side(), &server.facts) {
            return Err(lacks(errand, &server.entry, State::Blocked, vec![denial.reason]).into());
        }
        if !given.is_empty() {
            return Err(theirs(name).into());
        }
        if lock(&errand.workspace.chosen).show(name) {
            errand.tell(&[Kind::Tools, Kind::Prompts, Kind::Resources]);
        }
        return in_use(errand, server, "it is one of the configured servers").await;
    }
    let known = lock(&errand.workspace.chosen).get(name).cloned();
    if let Some(known) = known.filter(|known| given.is_empty() && known.is_listed == is_listed) {
        return in_use(errand, &known.server, "it had been added before").await;
    }
    let catalogs = errand.directory.open(&configured).await;
    let pinned = lock(&errand.workspace.chosen).pinned(name);
    let known = pinned.as_deref();
    let Some(entry) = known.or_else(|| entry_of(&catalogs, &configured, name)) else {
        return Err(unknown(&catalogs, &configured, name).into());
    };
    steered(entry, &given)?;
    let mut config = config_of(errand, entry);
    config.extend(given);
    let mut standing = Standing::of(errand, entry, &config);
    if let Some(why) = &standing.blocked {
        return Err(lacks(errand, entry, State::Blocked, vec![why.clone()]).into());
    }
    if let Some(why) = &standing.unavailable {
        return Err(lacks(errand, entry, State::Unavailable, vec![why.clone()]).into());
    }
    let problems = wrong_in(entry, &config);
    if !problems.is_empty() {
        return Err(lacks(errand, entry, State::NeedsConfig, problems).into());
    }
    let signs_in = can_sign_in(errand, entry);
    if signs_in {
        standing.signs_in_later();
    }
    let questions = questions(entry, &standing);
    let mut told = None;
    if let Some(names) = standing.askable(errand, &questions) {
        if !names.is_empty() {
            credentials::ask(errand, entry, &names).await?;
        }
        let answers = match questions.is_empty() {
            true => Vec::new(),
            false => match ask::ask(errand, &questions).await? {
                Asked::Answers(answers) => answers,
                Asked::Failed(why) => {
                    told = Some(why);
                    Vec::new()
                }
            },
        };
        for (question, answer) in questions.iter().zip(answers) {
            match (question.key, answer) {
                (_, Answer::Declined) => {
                    return Err(Reply::error(format!(
                        "the user declined to add {name}; ask them why"
                    ))
                    .into());
                }
                (CONFIG, Answer::Given(values)) => {
                    for (key, value) in values {
                        set_config_value(&mut config, &key, value);
                    }
                }
                (_, Answer::Given(_)) => {
                    let person = errand.directory.person();
                    person.approve(entry).map_err(|why| {
                        Reply::error(format!("the approval could not be kept: {why}"))
                    })?;
                }
            }
        }
        let problems = wrong_in(entry, &config);
        if !problems.is_empty() {
            return Err(lacks(errand, entry, State::NeedsConfig, problems).into());
        }
        standing = Standing::of(errand, entry, &config);
        if signs_in {
            standing.signs_in_later();
        }
    }
    match standing.state() {
        State::Ready => {}
        state => {
            let lines = standing.lines(entry).into_iter().chain(told).collect();
            return Err(lacks(errand, entry, state, lines).into());
        }
    }
    let mut server = put_in(errand, entry, &config, is_listed).await;
    for _ in 0..SIGN_INS_MAX {
        let Err(NotPut::SignIn(unsigned, fault)) = &server else {
            break;
        };
        signed_in(errand, unsigned, fault).await?;
        server = put_in(errand, entry, &config, is_listed).await;
    }
    let server = server.map_err(|not| not.reply(errand, entry))?;
    lock(&errand.workspace.chosen).set_config(name, config);
    reply(errand, &server, None)
}

/// Whether a sign-in is possible, and the person can be led to it.
fn can_sign_in(errand: &Errand, entry: &Entry) -> bool {
    let sign_ins = errand.core.sign_ins.as_ref();
    let has_pages = sign_ins.is_some_and(|sign_ins| sign_ins.pages.is_some());
    errand.asks.url() && has_pages && errand.may_sign_in() && errand.core.can_sign_in(entry)
}

/// Has the person sign in, where they can be asked.
async fn signed_in(errand: &Errand, server: &Server, fault: &Fault) -> Result<(), Stop> {
    match sign_in::of(&errand.core, &errand.workspace, server, fault) {
        Some((pass, challenge)) if sign_in::can_ask(errand, &pass) => {
            sign_in::lead(errand, &pass, &challenge).await
        }
        _ => Ok(()),
    }
}

/// Why a server is not in use.
enum NotPut {
    Reply(Reply),
    /// It wants the person to sign in.
    SignIn(Arc<Server>, Fault),
}

impl NotPut {
    fn reply(self, errand: &Errand, entry: &Entry) -> Reply {
        match self {
            Self::Reply(reply) => reply,
            Self::SignIn(_, fault) => {
                let reason = match fault {
                    Fault::SignIn { reason, .. } => reason,
                    other => other.to_string(),
                };
                lacks(errand, entry, State::NeedsAuth, vec![reason])
            }
        }
    }
}

impl From<Reply> for NotPut {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// Starts a server with this configuration and puts it into the workspace, in the place of one of the same name. If it
/// does not start, everything is as before.
pub(super) async fn put_to_use(
    errand: &Errand,
    entry: &Entry,
    config: &Map<String, Value>,
    is_listed: bool,
) -> Result<Arc<Server>, Reply> {
    let put = put_in(errand, entry, config, is_listed).await;
    put.map_err(|not| not.reply(errand, entry))
}

async fn put_in(
    errand: &Errand,
    entry: &Entry,
    config: &Map<String, Value>,
    is_listed: bool,
) -> Result<Arc<Server>, NotPut> {
    let name = entry.name.as_str();
    let got = fetched::secrets(errand.directory.person(), entry).await;
    let got = got.map_err(|why| {
        Reply::error(format!(
            "{name} was not added: {why}. Next: ask the user to see to that"
        ))
    })?;
    let secret = |name: &str| got.get(name).cloned();
    let resolved = entry.resolve(config, &secret).map_err(|missing| {
        let lines = missing.iter().map(Missing::message).collect();
        lacks(errand, entry, State::NeedsConfig, lines)
    })?;
    let core = &errand.core;
    let is_full = |chosen: &Chosen| chosen.get(name).is_none() && chosen.added().len() >= ADDED_MAX;
    let full = || {
        Reply::error(format!(
            "this workspace has {ADDED_MAX} servers, which is the most; remove some with mcp-remove"
        ))
    };
    if is_full(&lock(&errand.workspace.chosen)) {
        // Where nobody can remove one, the oldest gives way.
        let oldest = match errand.is_nameless {
            true => lock(&errand.workspace.chosen).take_oldest(),
            false => None,
        };
        let oldest = oldest.ok_or_else(full)?;
        core.give_back(&oldest, &errand.workspace);
    }
    // What has a name keeps it, whatever the new server calls its tools.
    core.binding_view(&errand.side());
    let listed = lock(&errand.workspace.chosen)
        .get(name)
        .filter(|known| known.is_listed)
        .and_then(|known| core.attached(&errand.side(), &known.server)?.lists());
    let loan = core.lend(resolved, &errand.workspace);
    let server = loan.server.clone();
    let upstream = core.upstream(&errand.side(), &server);
    match upstream.listed().await {
        Ok(()) => {}
        Err(fault @ Fault::SignIn { .. }) => return Err(NotPut::SignIn(server, fault)),
        Err(fault) => return Err(Reply::error(format!("{name} does not start: {fault}")).into()),
    }
    let before = {
        let mut chosen = lock(&errand.workspace.chosen);
        // Others may have been added meanwhile.
        if is_full(&chosen) {
            drop(chosen);
            return Err(full().into());
        }
        chosen.put(server.clone(), is_listed)
    };
    loan.keep();
    core.changed();
    // It may have ended meanwhile; who ended it did not see this server.
    if errand.session.as_ref().is_some_and(|s| s.is_closed()) {
        core.leave(&errand.workspace);
    }
    if let Some(before) = before {
        core.give_back(&before, &errand.workspace);
    }
    let lists = upstream.lists().filter(|_| is_listed);
    let of = |lists: &Option<Arc<Lists>>, kind: Kind| {
        lists
            .as_ref()
            .map_or(Vec::new(), |lists| lists.of(kind).to_vec())
    };
    let kinds = [Kind::Tools, Kind::Prompts, Kind::Resources];
    let is_news = |kind: &Kind| of(&listed, *kind) != of(&lists, *kind);
    let kinds: Vec<Kind> = kinds.into_iter().filter(is_news).collect();
    errand.tell(&kinds);
    Ok(server)
}

async fn in_use(errand: &Errand, server: &Arc<Server>, why: &str) -> Result<Reply, Stop> {
    let upstream = errand.core.upstream(&errand.side(), server);
    let mut listed = upstream.listed().await;
    for _ in 0..SIGN_INS_MAX {
        let Err(fault @ Fault::SignIn { .. }) = &listed else {
            break;
        };
        signed_in(errand, server, fault).await?;
        listed = upstream.listed().await;
    }
    if let Err(fault) = listed {
        return Err(Reply::error(format!("{}: {fault}", server.name)).into());
    }
    reply(errand, server, Some(why))
}

fn reply(errand: &Errand, server: &Arc<Server>, why: Option<&str>) -> Result<Reply, Stop> {
    let handle = errand.core.handle_of(&errand.workspace);
    let handle = handle.map_err(|fault| Reply::error(fault.to_string()))?;
    let view = errand.core.binding_view(&errand.side());
    let tools = view.listed_tools_of(server);
    let mut definitions = String::new();
    for (at, (name, item)) in tools.iter().enumerate() {
        if at > 0 {
            definitions.push(',');
        }
        push_item(&mut definitions, Kind::Tools, item, name);
    }
    let is_listed = errand.era == Era::Handshake || errand.is_endpoint;
    let names: Vec<&str> = tools.iter().map(|(name, _)| &**name).collect();
    let more = names.len().saturating_sub(NAMED);
    let mut text = format!(
        "{} is active{} with {} tool{}: {}{}",
        server.name,
        why.map(|why| format!(" ({why})")).unwrap_or_default(),
        names.len(),
        if names.len() == 1 { "" } else { "s" },
        names[..names.len().min(NAMED)].join(", "),
        if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        },
    );
    if !is_listed {
        text.push_str(&format!(
            "\nCall them by mcp-exec with workspace {handle:?}. Definitions: [{definitions}]"
        ));
    }
    let facts = format!(
        r#"{{"workspace":{},"server":{},"state":"active","tools":[{definitions}]}}"#,
        quote(&handle),
        quote(&server.name)
    );
    Ok(Reply::of_raw(text, facts))
}

// --- what is missing ---

const CONFIG: &str = "config";
const APPROVAL: &str = "approval";

/// The entry that a name stands for: of a catalog, else one that the person has switched off.
pub(super) fn entry_of<'a>(
    catalogs: &'a Catalogs,
    configured: &'a [Arc<Server>],
    name: &str,
) -> Option<&'a Entry> {
    let configured = || configured.iter().find(|server| *server.name == *name);
    catalogs.get(name).or_else(|| Some(&configured()?.entry))
}

/// No server has this name: the nearest ones.
pub(super) fn unknown(catalogs: &Catalogs, configured: &[Arc<Server>], name: &str) -> Reply {
    let mut near = naming::nearest(name, configured.iter().map(|server| &*server.name));
    near.extend(catalogs.nearest(name, NEAR).into_iter().map(str::to_owned));
    near.dedup();
    near.truncate(NEAR);
    let hint = match near.is_empty() {
        true => "mcp-find tells which there are".to_owned(),
        false => format!("did you mean {}?", near.join(" or ")),
    };
    Reply::error(format!("there is no server {name:?}; {hint}"))
}

/// It is none of ours to configure.
pub(super) fn theirs(name: &str) -> Reply {
    Reply::error(format!(
        "{name} is configured in a file of the user, which only they change"
    ))
}

/// A model may not set what leads to the machine of the person.
pub(super) fn steered(entry: &Entry, given: &Map<String, Value>) -> Result<(), Reply> {
    let steered = entry.privileged_in(given);
    let Some(key) = steered.first() else {
        return Ok(());
    };
    let name = &entry.name;
    let next = format!("portolan config set {name}.{key} VALUE");
    Err(Reply::error(format!(
        "only the user may set `{key}` of {name}: it decides what the server reaches. Leave it out, and the user is asked where possible; or ask them to run: {next}"
    ))
    .with(json!({"server": name.as_str(), "state": "needs-config", "next": next})))
}

pub(super) fn wrong_in(entry: &Entry, config: &Map<String, Value>) -> Vec<String> {
    let missing = |message: &str| message.contains("required") || message.contains("under any of");
    match entry.check_config(config) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .iter()
            .filter(|problem| !missing(&problem.message))
            .map(ToString::to_string)
            .collect(),
    }
}

/// It cannot be used yet: why, and what to do.
pub(super) fn lacks(errand: &Errand, entry: &Entry, state: State, lines: Vec<String>) -> Reply {
    let name = entry.name.as_str();
    let who = errand.who();
    let next = match state {
        State::NeedsConfig => format!(
            "call mcp-add again with these in `config`, or ask {who} to run: portolan config set {name}.KEY VALUE"
        ),
        State::NeedsSecrets => {
            let names: Vec<&str> = entry
                .about
                .secrets
                .iter()
                .filter(|spec| lines.iter().any(|line| line.contains(&spec.name)))
                .map(|spec| spec.name.as_str())
                .collect();
            let name = names.first().copied().unwrap_or("NAME");
            format!("ask {who} to run: portolan secret set {name}")
        }
        State::NeedsApproval => {
            let command = errand.directory.person().how_to_approve(entry);
            format!("ask {who} to run: {command}")
        }
        State::NeedsAuth => match entry.about.oauth.as_ref().and_then(|o| o.secret.as_ref()) {
            _ if errand.core.can_sign_in(entry) => {
                format!(
                    "ask {who} to run: {}",
                    crate::sign_in::command(name, errand.holder())
                )
            }
            Some(token) => format!("ask {who} to run: portolan secret set {token}"),
            None => "use another server: nobody can sign in to it here".to_owned(),
        },
        State::Blocked => format!(
            "use another server; {who} sees which rule it is by: portolan policy explain {name}"
        ),
        State::Unavailable | State::Ready | State::Active => "use another server".to_owned(),
    };
    Reply::error(format!(
        "{name} was not added ({}): {}. Next: {next}",
        state.word(),
        lines.join("; ")
    ))
    .with(json!({"server": name, "state": state.word(), "tools": [], "next": next}))
}

fn questions(entry: &Entry, standing: &Standing) -> Vec<Question> {
    let mut questions = Vec::new();
    if !standing.config.is_empty()
        && let Some(schema) = form(&standing.config)
    {
        questions.push(Question {
            key: CONFIG,
            message: format!("What should {} be configured with?", entry.name),
            schema,
        });
    }
    if !standing.concerns.is_empty() {
        let concerns: Vec<String> = standing.concerns.iter().map(Concern::to_string).collect();
        questions.push(Question {
            key: APPROVAL,
            message: format!(
                "Allow the server {} to be started? {}.",
                entry.name,
                concerns.join("; ")
            ),
            schema: json!({"type": "object", "properties": {}}),
        });
    }
    questions
}

impl Standing {
    /// If the person can be asked for all that stands in the way, with these questions and a page: the credentials for that.
    fn askable(&self, errand: &Errand, questions: &[Question]) -> Option<Vec<String>> {
        let asks = |key: &str| questions.iter().any(|question| question.key == key);
        let names = self.credentials()?;
        if errand.is_guest() && !(names.is_empty() && questions.is_empty()) {
            return None;
        }
        let can_ask = (names.is_empty() || credentials::can_ask(errand))
            && (questions.is_empty() || ask::can_ask(errand))
            && (self.config.is_empty() || asks(CONFIG))
            && (self.concerns.is_empty() || asks(APPROVAL));
        can_ask.then_some(names)
    }

    /// What is missing, a line each, the first obstacle only: the others may go with it.
    pub(super) fn lines(&self, entry: &Entry) -> Vec<String> {
        match self.state() {
            State::NeedsConfig => self.config.iter().map(Missing::message).collect(),
            State::NeedsSecrets => lacking(entry, &self.secrets),
            State::NeedsApproval => self.concerns.iter().map(Concern::to_string).collect(),
            State::NeedsAuth => vec!["it wants the user to sign in".to_owned()],
            _ => Vec::new(),
        }
    }
}

/// A form for what is missing; none if a form cannot hold it (2025-06-18, elicitation: flat, primitive values).
fn form(missing: &[Missing]) -> Option<Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for one in missing {
        let Missing::Config { key, schema } = one else {
            return None;
        };
        let kind = schema
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("string");
        if !matches!(kind, "string" | "number" | "integer" | "boolean") || key.contains(" or ") {
            return None;
        }
        let mut property = Map::new();
        property.insert("type".into(), json!(kind));
        for member in [
            "title",
            "description",
            "default",
            "enum",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
        ] {
            if let Some(value) = schema.get(member) {
                property.insert(member.into(), value.clone());
            }
        }
        properties.insert(key.clone(), Value::Object(property));
        required.push(json!(key));
    }
    Some(json!({"type": "object", "properties": properties, "required": required}))
}
