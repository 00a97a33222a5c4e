//! Credentials that a server lacks. The person gives them on a page of the gateway to which the client leads them; they reach
//! the store of secrets, and neither the client nor the model. A client that is asked by requests is told when that is done,
//! and its call goes on by itself. The call of one that is asked by answers ends with the link; when it is made again, it finds
//! the credentials there, or waits for them a moment (2025-11-25 and 2026-07-28, elicitation in URL mode).

use std::sync::Arc;

use catalog::Entry;
use serde_json::{Value, json};
use wire::{Era, build, method, quote};

use super::add::lacks;
use super::ask::{Answer, Stop, answer, brought, open};
use super::errand::Errand;
use super::reply::Reply;
use super::standing::{State, lacking};
use crate::bridge::rounds;
use crate::limits::{VISIT_LIFE, VISIT_WAIT};
use crate::session::Session;
use crate::visit::{End, Field, Page, Visit};

const KEY: &str = "credentials";

/// Whether the person can be led to a page.
pub(super) fn can_ask(errand: &Errand) -> bool {
    errand.asks.url() && errand.directory.pages().is_some() && !errand.is_guest()
}

/// Has these credentials of an entry given; only if [`can_ask`].
///
/// # Errors
/// They are not there: a reply that says why, or the question.
pub(super) async fn ask(errand: &Errand, entry: &Entry, names: &[String]) -> Result<(), Stop> {
    let ended = match (&errand.session, errand.era) {
        (Some(session), Era::Handshake) => visited(errand, session, entry, names).await?,
        _ => revisited(errand, entry, names).await?,
    };
    match ended {
        Ended::So(End::Given) => Ok(()),
        Ended::So(End::Declined) => Err(declined(entry)),
        Ended::So(End::Expired | End::Withdrawn | End::Failed) => {
            let why = "nobody filled in the page in time; make the call again for a new link";
            Err(failed(errand, entry, names, why).into())
        }
        Ended::Unasked(why) => Err(failed(errand, entry, names, &why).into()),
    }
}

enum Ended {
    So(End),
    /// The person was never asked.
    Unasked(String),
}

/// The call waits, and with it the page.
async fn visited(
    errand: &Errand,
    session: &Arc<Session>,
    entry: &Entry,
    names: &[String],
) -> Result<Ended, Stop> {
    let (visit, url) = match show(errand, entry, names) {
        Ok(shown) => shown,
        Err(why) => return Ok(Ended::Unasked(why)),
    };
    // If the call ends, so does the page.
    let visit = Withdrawn(visit);
    let number = format!("page-{}", errand.core.next_id());
    let mut params = question(entry, &url);
    params["elicitationId"] = json!(number);
    let asked = rounds::ask(session, &errand.handle, &[(KEY, params.to_string())]);
    let end = tokio::select! {
        biased;
        // Whoever follows the link without telling the client so, has followed it all the same.
        end = visit.0.over() => {
            asked.settle(KEY);
            end
        }
        answers = asked.answers() => match answers {
            Ok(answers) => match answer(&answers, KEY)? {
                Answer::Given(_) => visit.0.over().await,
                Answer::Declined => return Ok(Ended::So(End::Declined)),
            },
            Err(why) => return Ok(Ended::Unasked(why)),
        },
    };
    if matches!(end, End::Given | End::Declined) {
        let params = format!(r#"{{"elicitationId":{}}}"#, quote(&number));
        let message = build::notification(method::ELICITATION_COMPLETE, Some(&params));
        session.tell_with(Some(&errand.handle), message);
    }
    Ok(Ended::So(end))
}

/// The page waits for as long as it lives; calls come and go.
async fn revisited(errand: &Errand, entry: &Entry, names: &[String]) -> Result<Ended, Stop> {
    let key = (errand.workspace.caller.clone(), errand.digest);
    let visits = errand.directory.visits();
    let responses = brought(errand, &[(KEY, String::new())])?;
    let known = visits.get(&key);
    if let Some(responses) = responses {
        let Some((visit, url)) = known else {
            return Ok(Ended::So(End::Expired));
        };
        if let Answer::Declined = answer(&responses, KEY)? {
            visit.withdraw();
            return Ok(Ended::So(End::Declined));
        }
        return match tokio::time::timeout(VISIT_WAIT, visit.over()).await {
            Ok(end) => Ok(Ended::So(end)),
            Err(_) => Err(asked(errand, entry, &url)),
        };
    }
    if let Some((_, url)) = known.filter(|(visit, _)| visit.is_open() && is_for(visit, names)) {
        return Err(asked(errand, entry, &url));
    }
    match show(errand, entry, names) {
        Ok((visit, url)) => match visits.put(key, visit, &url) {
            true => Err(asked(errand, entry, &url)),
            false => Ok(Ended::Unasked("too many pages are open".to_owned())),
        },
        Err(why) => Ok(Ended::Unasked(why)),
    }
}

fn asked(errand: &Errand, entry: &Entry, url: &str) -> Stop {
    open(errand, &[(KEY, question(entry, url).to_string())])
}

fn question(entry: &Entry, url: &str) -> Value {
    json!({
        "mode": "url",
        "message": format!(
            "{} needs credentials. They are entered on a page of the gateway on this machine, and kept there.",
            entry.name
        ),
        "url": url,
    })
}

/// Makes a page for these credentials; it keeps what it is given.
fn show(errand: &Errand, entry: &Entry, names: &[String]) -> Result<(Arc<Visit>, String), String> {
    let pages = errand.directory.pages().ok_or("there are no pages")?;
    let person = errand.directory.person().clone();
    let all = entry.about.secrets.iter();
    let specs: Vec<_> = all
        .filter(|spec| names.contains(&spec.name))
        .cloned()
        .collect();
    let fields = specs.iter().map(|spec| Field {
        name: spec.name.clone(),
        about: spec.description.clone(),
        example: spec.example.clone(),
        url: spec.url.clone(),
    });
    let page = Page {
        server: entry.name.to_string(),
        title: entry.title.clone(),
        origin: entry.origin.to_string(),
        kept_in: person.keeps_secrets_in(),
        fields: fields.collect(),
        ..Page::default()
    };
    let entry = entry.clone();
    let visit = Visit::new(page, VISIT_LIFE, move |values| {
        for (spec, value) in specs.iter().zip(values) {
            person.keep_secret(&entry, spec, value)?;
        }
        Ok(())
    });
    let visit = Arc::new(visit);
    let place = pages.show(visit.clone())?;
    Ok((visit, place.page))
}

fn is_for(visit: &Visit, names: &[String]) -> bool {
    let fields = &visit.page().fields;
    fields.len() == names.len() && fields.iter().all(|field| names.contains(&field.name))
}

fn declined(entry: &Entry) -> Stop {
    let name = &entry.name;
    Reply::error(format!(
        "the user declined to give {name} its credentials; ask them why"
    ))
    .into()
}

fn failed(errand: &Errand, entry: &Entry, names: &[String], why: &str) -> Reply {
    let mut lines = lacking(entry, names);
    lines.push(why.to_owned());
    lacks(errand, entry, State::NeedsSecrets, lines)
}

/// A visit that is over with this.
struct Withdrawn(Arc<Visit>);

impl Drop for Withdrawn {
    fn drop(&mut self) {
        self.0.withdraw();
    }
}
