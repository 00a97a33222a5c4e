//! `portolan oauth authorize NAME`

use std::io::BufRead as _;
use std::path::PathBuf;
use std::sync::Arc;

use auth::{Accounts, Challenge, Party, Scopes};
use catalog::{Catalogs, Entry};
use gateway::{Away, End, Page, Pages as _, Visit};
use serde::Serialize;

use super::{failed, holder};
use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice};
use crate::engine::{self, unless_interrupted};
use crate::error::{Failure, Kind};
use crate::limits::SIGN_IN_WAIT;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Ui};
use crate::{browser, load, sign_ins};

/// Sign in to a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan oauth authorize linear
  portolan oauth authorize linear --no-browser     for a machine without one: paste the address back
  portolan oauth authorize linear --caller ann     for calls of this caller alone
  portolan oauth authorize linear --device         enter a code on another machine, where the server can do that")]
pub(crate) struct Args {
    /// The server
    name: String,

    /// The caller whose account it is to be [default: you, and callers that share your accounts]
    #[arg(long)]
    caller: Option<String>,

    /// Ask for these rights, separated by commas or spaces, instead of those that the server names
    #[arg(long, alias = "scope", value_name = "SCOPE,...", value_delimiter = ',')]
    scopes: Vec<String>,

    /// Open no browser: print the address, and take the one that the browser ends at from stdin
    #[arg(long, conflicts_with = "device")]
    no_browser: bool,

    /// Print a code that is entered on another machine
    #[arg(long)]
    device: bool,

    /// Docker's flag: a browser is opened anyway
    #[arg(long, hide = true)]
    open_browser: bool,

    /// A file with servers (repeatable)
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

#[derive(Serialize)]
struct Done<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    url: &'a str,
    issuer: String,
    scopes: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let whose = holder(&here, args.caller.as_deref())?;
    let choice = Choice {
        config: args.config.clone(),
        ..Choice::default()
    };
    let loaded = load::read(&here, &choice, &[]);
    let entry = entry(ui, &here, args, &loaded.entries)?;
    if !matches!(entry.launch, catalog::Launch::Remote { .. }) {
        let message = format!(
            "`{}` is no remote server: nobody signs in to it",
            entry.name
        );
        return Err(Failure::new(Kind::Usage, message));
    }
    let wanted = entry
        .about
        .oauth
        .as_ref()
        .and_then(|oauth| oauth.client_secret.as_ref());
    if let Some(wanted) = wanted.filter(|_| sign_ins::client_secret(&here, &entry).is_none()) {
        let message = format!(
            "the client secret of `{}` is not to be had from {wanted}",
            entry.name
        );
        let set = wanted.strip_prefix("store:");
        return Err(Failure::new(Kind::Unauthenticated, message)
            .hints_from(set.map(|name| format!("`portolan secret set {name}` sets it"))));
    }
    let party = Party {
        holder: whose,
        ..sign_ins::party(&here, &entry)
    };
    let is_of_entry = matches!(&party.client, Some(own) if own.flow == auth::Flow::Client);
    if let Some(caller) = party.holder.as_ref().filter(|_| is_of_entry) {
        let message = format!(
            "`{}` has a client of its own, which serves everybody: {caller} has nothing to sign in to",
            entry.name
        );
        return Err(Failure::new(Kind::Usage, message));
    }
    let accounts = sign_ins::accounts(&here, &loaded.settings);
    engine::block_on(unless_interrupted(async {
        let fail = |error| failed(&error, &args.name);
        let mut challenge = accounts.challenge(&party).await.map_err(fail)?;
        let scopes = args.scopes.iter().flat_map(|scope| scope.split(' '));
        if !args.scopes.is_empty() {
            challenge.scopes = Scopes::of(scopes);
        }
        match (&party.client, args.device) {
            (Some(client), _) if client.flow == auth::Flow::Client => {
                accounts
                    .renew(&party, None, &challenge)
                    .await
                    .map_err(fail)?;
            }
            (_, true) => device(ui, &accounts, &party, &challenge)
                .await
                .map_err(fail)?,
            (_, false) => page(ui, &here, args, &accounts, &party, &challenge).await?,
        }
        Ok(())
    }))?;
    let all = accounts
        .list()
        .map_err(|error| failed(&error, &args.name))?;
    let account = all
        .into_iter()
        .find(|account| account.name == party.name && account.holder == party.holder);
    let (issuer, scopes) = account
        .map(|account| (account.issuer, account.scopes))
        .unwrap_or_default();
    let done = Done {
        name: &args.name,
        caller: args.caller.as_deref(),
        url: &party.url,
        scopes: scopes.iter().map(str::to_owned).collect(),
        issuer,
    };
    ui.value(&done, |ui| {
        let of = done
            .caller
            .map_or_else(String::new, |caller| format!(" for {caller}"));
        let by = format!(" is signed in to{of}, by {}", done.issuer);
        ui.note(&Line::new().put(Label::Name, done.name.to_owned()).text(by));
    })
}

/// One that is configured, else one of a catalog.
fn entry(
    ui: &Ui,
    here: &Surroundings,
    args: &Args,
    configured: &[Entry],
) -> Result<Entry, Failure> {
    if let Some(entry) = configured
        .iter()
        .find(|entry| entry.name.as_str() == args.name)
    {
        return Ok(entry.clone());
    }
    catalogs::check(&args.catalogs)?;
    let chosen = Chosen::begin(here, &args.catalogs).patient(ui);
    let all = Catalogs::merge(catalogs::chosen(here, &chosen));
    let known = configured.iter().map(|entry| entry.name.as_str());
    let found = all.get(&args.name).cloned();
    found.ok_or_else(|| {
        let near = all.nearest(&args.name, 1);
        let near = did_you_mean(&args.name, known.chain(near));
        Failure::new(
            Kind::NotFound,
            format!("there is no server `{}`", args.name),
        )
        .hints_from(near)
        .hint("--config or --catalog names a file with more servers")
    })
}

/// By a browser, which comes back to a port of ours.
async fn page(
    ui: &Ui,
    here: &Surroundings,
    args: &Args,
    accounts: &Accounts,
    party: &Party,
    challenge: &Challenge,
) -> Result<(), Failure> {
    let pages = server::Pages::on_own_port();
    let about = Page {
        server: party.name.clone(),
        holder: party.holder.clone(),
        ..Page::default()
    };
    let visit = Arc::new(Visit::away(about, SIGN_IN_WAIT));
    let place = pages.show(visit.clone()).map_err(|why| {
        Failure::new(
            Kind::Failed,
            format!("no browser could come back here: {why}"),
        )
    })?;
    let begun = accounts.begin(party, challenge, &place.callback).await;
    let sign_in = begun.map_err(|error| failed(&error, &args.name))?;
    let url = sign_in.url().to_owned();
    visit.lead(Away::of(accounts.clone(), sign_in));
    let is_opened = !args.no_browser && browser::open(&here.env, &url);
    let said = match is_opened {
        true => "Sign in in the browser. If none has opened, open",
        false => "Open this address in a browser, and sign in",
    };
    ui.note(&Line::new().text(format!("{said}:\n  {url}")));
    let mut pasted = None;
    if !is_opened {
        let hint =
            "If the browser ends at an address that it cannot open, paste that address here:";
        ui.note(&Line::new().put(Label::Dim, hint));
        pasted = Some(lines());
    }
    let end = loop {
        let paste = async {
            match &mut pasted {
                Some(pasted) => pasted.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            end = visit.over() => break end,
            line = paste => match line {
                Some(line) => {
                    let query = line.trim().split_once('?').map_or("", |(_, query)| query);
                    let query = query.split('#').next().unwrap_or_default();
                    let is_it = visit.way().is_some_and(|way| (way.is_answered_by)(query));
                    match is_it {
                        true => drop(visit.come_back(query.to_owned()).await),
                        false => ui.warn("this is not the address that this sign-in ends at", &[]),
                    }
                }
                None => pasted = None,
            }
        }
    };
    match end {
        End::Given => Ok(()),
        End::Declined => Err(Failure::new(
            Kind::Unauthenticated,
            "the sign-in was refused",
        )),
        End::Failed => {
            let why = visit.failure().unwrap_or_default();
            Err(Failure::new(Kind::Failed, format!("{}: {why}", args.name)))
        }
        End::Expired | End::Withdrawn => {
            let message = format!("nobody signed in within {} s", SIGN_IN_WAIT.as_secs());
            Err(Failure::new(Kind::Timeout, message))
        }
    }
}

/// The lines of stdin, read on a thread that nobody waits for.
fn lines() -> tokio::sync::mpsc::Receiver<String> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let read = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    };
    // Without it there is still the browser.
    let _thread = std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(read);
    receiver
}

/// By a code that is entered elsewhere.
async fn device(
    ui: &Ui,
    accounts: &Accounts,
    party: &Party,
    challenge: &Challenge,
) -> Result<(), auth::AuthError> {
    let device = accounts.begin_device(party, challenge).await?;
    let line = Line::new().text(format!("Open {} on any machine, and enter ", device.url()));
    ui.note(&line.put(Label::Name, device.user_code().to_owned()));
    accounts.finish_device(device).await
}
