//! Clients of one era before a server of the other, through the whole gateway: whatever both sides say in whatever
//! order, each request gets one answer, of the client's era, with nothing of anybody else in it.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use catalog::{Entry, Launch, ServerName, Share};
use gateway::Options;
use gateway::front::Gateway;
use libfuzzer_sys::fuzz_target;
use wire::Era;

#[path = "bridge/client.rs"]
mod client;
#[path = "bridge/judge.rs"]
mod judge;
#[path = "bridge/request.rs"]
mod request;
#[path = "bridge/server.rs"]
mod server;
#[path = "bridge/speech.rs"]
mod speech;
#[path = "bridge/words.rs"]
mod words;

use client::{Clients, Heard};
use request::{Reply, Request, Retry, Told};
use server::Servers;
use speech::{Answer, Question, Said};
use words::Json;

/// More steps find nothing that these do not.
const STEPS_MAX: usize = 48;
/// How long a call may go without a word of its server.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Input {
    is_client_old: bool,
    /// One connection for both callers.
    is_shared: bool,
    /// What clients of the handshake era can be asked.
    abilities: u8,
    steps: Vec<Step>,
}

/// One thing that happens. Numbers choose among what is there.
#[derive(Debug)]
enum Step {
    Call(Request),
    /// The request of an answer that brought a state, once more.
    Retry(Retry),
    Answer(u8, Answer),
    Ask(u8, Question),
    Withdraw(u8),
    Say(u8, Said),
    /// A client answers a question.
    Reply(u8, Reply),
    /// A client says something that is no request.
    Tell(u8, Told),
    /// A client does not wait for an answer any more.
    Leave(u8),
    Close(u8),
    Die(u8),
    Restart,
    Wait(Wait),
}

impl<'a> Arbitrary<'a> for Input {
    /// Steps for as long as there is something to make them of.
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut input = Self {
            is_client_old: u.arbitrary()?,
            is_shared: u.arbitrary()?,
            abilities: u.arbitrary()?,
            steps: Vec::new(),
        };
        while !u.is_empty() && input.steps.len() < STEPS_MAX {
            input.steps.push(u.arbitrary()?);
        }
        Ok(input)
    }
}

impl<'a> Arbitrary<'a> for Step {
    /// What carries a conversation on comes more often than what ends it.
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u.int_in_range(0..=31)? {
            0..=7 => Self::Call(u.arbitrary()?),
            8..=10 => Self::Retry(u.arbitrary()?),
            11..=16 => Self::Answer(u.arbitrary()?, u.arbitrary()?),
            17..=18 => Self::Ask(u.arbitrary()?, u.arbitrary()?),
            19 => Self::Withdraw(u.arbitrary()?),
            20..=21 => Self::Say(u.arbitrary()?, u.arbitrary()?),
            22..=24 => Self::Reply(u.arbitrary()?, u.arbitrary()?),
            25 => Self::Tell(u.arbitrary()?, u.arbitrary()?),
            26 => Self::Leave(u.arbitrary()?),
            27 => Self::Close(u.arbitrary()?),
            28 => Self::Die(u.arbitrary()?),
            29 => Self::Restart,
            _ => Self::Wait(u.arbitrary()?),
        })
    }
}

#[derive(Arbitrary, Debug)]
enum Wait {
    Moment,
    Second,
    CallTimeout,
    QuestionTimeout,
}

fuzz_target!(|input: Input| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs nothing that could be missing");
    runtime.block_on(play(&input));
});

async fn play(input: &Input) {
    let (clients_era, servers_era) = match input.is_client_old {
        true => (Era::Handshake, Era::Stateless),
        false => (Era::Stateless, Era::Handshake),
    };
    let servers = Servers::new(servers_era, input.is_shared);
    let gateway = gateway(&servers, input.is_shared);
    let mut clients = Clients::new(gateway.clone(), clients_era, input.abilities);
    clients.greet().await;
    settle().await;
    for step in &input.steps {
        match step {
            Step::Call(request) => clients.call(request),
            Step::Retry(retry) => clients.retry(retry),
            Step::Answer(at, answer) => servers.answer(*at, answer),
            Step::Ask(at, question) => servers.ask(*at, question),
            Step::Withdraw(at) => servers.withdraw(*at),
            Step::Say(at, said) => servers.say(*at, said),
            Step::Reply(at, reply) => clients.reply(*at, reply),
            Step::Tell(at, told) => clients.tell(*at, told),
            Step::Leave(at) => clients.leave(*at),
            Step::Close(at) => clients.close(*at),
            Step::Die(at) => servers.die(*at),
            Step::Restart => assert!(gateway.restart("a").await),
            Step::Wait(wait) => tokio::time::sleep(wait.time()).await,
        }
        settle().await;
    }
    end(&gateway, &clients).await;
}

/// In the end each request has had its one answer, and what has no end of its own ends with the gateway.
async fn end(gateway: &Gateway, clients: &Clients) {
    // Calls that take turns run out of time one after the other.
    for _ in 0..3 * clients.requests() + 10 {
        if clients.other_than(Heard::is_settled).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(300)).await;
    }
    let open = clients.other_than(Heard::is_settled);
    assert_eq!(open, None, "no answer in time");
    gateway.shutdown(Duration::from_secs(1)).await;
    settle().await;
    let open = clients.other_than(Heard::is_over);
    assert_eq!(open, None, "no answer in the end");
}

fn gateway(servers: &Arc<Servers>, is_shared: bool) -> Gateway {
    let launch = Launch::Command {
        command: "a".to_owned(),
        args: Vec::new(),
        env: Vec::new(),
        cwd: None,
    };
    let entry = Entry {
        share: is_shared.then_some(Share::All),
        ..Entry::new(ServerName::new("a").expect("a good name"), launch)
    };
    let mut options = Options::new(vec![entry], servers.clone());
    options.settings.call_timeout = CALL_TIMEOUT;
    Gateway::new(options).expect("there is randomness")
}

/// Lets everything happen that can: time that is paused passes only when nothing else is left to do.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

impl Wait {
    fn time(&self) -> Duration {
        match self {
            Self::Moment => Duration::from_millis(100),
            Self::Second => Duration::from_millis(1100),
            Self::CallTimeout => CALL_TIMEOUT + Duration::from_secs(2),
            Self::QuestionTimeout => Duration::from_secs(602),
        }
    }
}

/// Chooses among what is there, if anything is.
fn choose<T>(all: &[T], at: u8) -> Option<&T> {
    all.get(usize::from(at) % all.len().max(1))
}

/// Values for the members of an object, as JSON.
fn object(members: impl IntoIterator<Item = (String, String)>) -> String {
    let members = members.into_iter();
    let members: Vec<String> = members
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Members that were made up, before those that matter: of two of one name a reader may see either.
fn members(made_up: &[(words::Word, Json)]) -> Vec<(String, String)> {
    made_up
        .iter()
        .map(|(name, value)| (name.literal(), value.text()))
        .collect()
}
