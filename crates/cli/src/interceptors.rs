//! Interceptors as a configuration names them: programs, addresses and images that are asked about calls. Owns their deadlines,
//! how many are asked at once, and what becomes of a call where one fails; what they are told and say is in
//! `interceptors/payload.rs`, how each kind is asked in `interceptors/asking.rs`.

mod asking;
mod payload;

use std::sync::Arc;
use std::time::Duration;

use config::Interceptor as Configured;
use gateway::{CallFacts, Interceptor, Verdict, When};
use launch::ProgramRunner;
use tokio::sync::Semaphore;
use transport::BoxFuture;

use crate::limits::{INTERCEPTOR_NOTES_MAX, INTERCEPTORS_ASKED_MAX};
use crate::log::{Log, Notice};
use asking::Asking;

/// One of them.
struct Asked {
    configured: Configured,
    asking: Asking,
    deadline: Duration,
    /// Shared by all of them: each may be a process.
    turns: Arc<Semaphore>,
    log: Option<Arc<Log>>,
}

/// Those that stand in the way of calls of a gateway with this profile, in their order.
///
/// # Errors
/// One of them cannot be asked as it is written.
pub(crate) fn standing(
    configured: &[Configured],
    profile: Option<&str>,
    log: Option<&Arc<Log>>,
) -> Result<Vec<Arc<dyn Interceptor>>, String> {
    let turns = Arc::new(Semaphore::new(INTERCEPTORS_ASKED_MAX));
    let runner = ProgramRunner::new(launch::Options {
        guard: crate::launchers::own_program(),
        ..launch::Options::inherited()
    });
    let stands = |one: &&Configured| {
        one.profile.is_empty() || profile.is_some_and(|name| any(&one.profile, name))
    };
    let mut all: Vec<Arc<dyn Interceptor>> = Vec::new();
    for one in configured.iter().filter(stands) {
        let asking = Asking::new(&one.how, &runner);
        let asking = asking.map_err(|why| format!("interceptor `{}`: {why}", one.name))?;
        all.push(Arc::new(Asked {
            configured: one.clone(),
            asking,
            deadline: Duration::from_secs(one.timeout_s),
            turns: Arc::clone(&turns),
            log: log.cloned(),
        }));
    }
    Ok(all)
}

fn any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| policy::glob(pattern, text))
}

impl Interceptor for Asked {
    fn name(&self) -> &str {
        &self.configured.name
    }

    fn when(&self) -> When {
        match self.configured.is_after {
            false => When::Before,
            true => When::After,
        }
    }

    fn wants(&self, server: &str, tool: &str) -> bool {
        let fits = |patterns: &[String], text| patterns.is_empty() || any(patterns, text);
        fits(&self.configured.server, server) && fits(&self.configured.tool, tool)
    }

    fn see<'a>(
        &'a self,
        facts: &'a CallFacts,
        response: Option<&'a str>,
    ) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.asked(facts, response).await {
                Ok(verdict) => verdict,
                Err(why) => self.failed(why),
            }
        })
    }
}

impl Asked {
    async fn asked(&self, facts: &CallFacts, response: Option<&str>) -> Result<Verdict, String> {
        let told = match self.configured.is_dockers {
            true => payload::dockers(facts, response),
            false => payload::own(facts, response),
        };
        let late = || format!("it did not answer within {} s", self.deadline.as_secs());
        let turn = tokio::time::timeout(self.deadline, self.turns.acquire());
        let _turn = turn
            .await
            .map_err(|_| "too many others are being asked".to_owned())?
            .map_err(|error| error.to_string())?;
        // Each kind ends what it began where its future is dropped, at the deadline or because the client left.
        let (said, notes) = self.asking.ask(told, self.deadline, &late).await?;
        self.note(&notes);
        match self.configured.is_dockers {
            true => payload::dockers_said(&said),
            false => payload::own_said(&said, response.is_some()),
        }
    }

    /// What a call comes to where this one says nothing of use.
    fn failed(&self, why: String) -> Verdict {
        let name = &self.configured.name;
        let passes = self.configured.lets_pass;
        if let Some(log) = &self.log {
            log.notice(Notice {
                is_warning: true,
                target: "interceptor",
                message: format!("{name}: {why}"),
                hint: Some(match passes {
                    true => "the call goes on: on_failure = \"allow\"".to_owned(),
                    false => {
                        "the call is refused; on_failure = \"allow\" would let it go on".to_owned()
                    }
                }),
                members: Vec::new(),
            });
        }
        match passes {
            true => Verdict::Allow,
            false => Verdict::Refuse(format!("interceptor `{name}` failed: {why}")),
        }
    }

    /// What it wrote on stderr is for the person.
    fn note(&self, lines: &[String]) {
        let Some(log) = &self.log else {
            return;
        };
        let lines = lines.iter().filter(|line| !line.trim().is_empty());
        for line in lines.take(INTERCEPTOR_NOTES_MAX) {
            log.notice(Notice {
                target: "interceptor",
                message: format!("{}: {line}", self.configured.name),
                ..Notice::default()
            });
        }
    }
}

#[cfg(test)]
mod tests;
