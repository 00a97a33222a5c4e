//! What servers ask during a script of a stateless client: it hears of it in the answer to its request, and answers with the
//! next one. Until then the questions wait here, those of all inner calls together.

use std::sync::Mutex;

use tokio::sync::oneshot;
use tokio::time::Instant;
use wire::{Object, quote};

use crate::calls::CallHandle;
use crate::limits::{INQUIRY_BYTES_MAX, INQUIRY_QUESTIONS_MAX};
use crate::outbox::lock;
use crate::slot::Step;

/// See the module.
#[derive(Default)]
pub(crate) struct Questions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    asked: u32,
    open: Vec<Open>,
}

/// The questions of one inner call.
struct Open {
    number: u32,
    since: Instant,
    /// What is asked under which name, raw JSON, and what was answered.
    each: Vec<(String, String, Option<String>)>,
    answer: oneshot::Sender<String>,
}

impl Open {
    /// By what the client knows one of them: several servers can use the same name.
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.number)
    }

    fn is_answered(&self) -> bool {
        self.each.iter().all(|(_, _, answer)| answer.is_some())
    }
}

impl Questions {
    /// Asks the client of the call with this mailbox. `requests` are `inputRequests`; what comes are `inputResponses`, both
    /// raw JSON.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub(super) async fn ask(&self, handle: &CallHandle, requests: &str) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        let number = {
            let requests = Object::parse(requests)
                .map_err(|error| format!("the questions of the server are broken: {error}"))?;
            let each: Vec<(String, String, Option<String>)> = requests
                .iter()
                .map(|(name, request)| (name.to_owned(), request.to_owned(), None))
                .collect();
            let mut inner = lock(&self.0);
            let open = || inner.open.iter().flat_map(|open| &open.each).chain(&each);
            let bytes: usize = open().map(|(_, request, _)| request.len()).sum();
            if open().count() > INQUIRY_QUESTIONS_MAX || bytes > INQUIRY_BYTES_MAX {
                return Err("the client has too many unanswered questions".to_owned());
            }
            inner.asked += 1;
            let number = inner.asked;
            inner.open.push(Open {
                number,
                since: Instant::now(),
                each,
                answer,
            });
            number
        };
        let _open = Asked {
            questions: self,
            number,
        };
        if !handle.slot.put(Step::Asked) {
            return Err("the call has ended".to_owned());
        }
        answered
            .await
            .map_err(|_| "the client did not answer".to_owned())
    }

    /// When the oldest open question was asked.
    pub(crate) fn asked_since(&self) -> Option<Instant> {
        lock(&self.0).open.iter().map(|open| open.since).min()
    }

    /// `inputRequests` with all that is open, raw JSON; none if nothing is.
    pub(crate) fn requests(&self) -> Option<String> {
        let inner = lock(&self.0);
        let entries = inner.open.iter().flat_map(|open| {
            let unanswered = open.each.iter().filter(|(_, _, answer)| answer.is_none());
            unanswered.map(|(name, request, _)| format!("{}:{request}", quote(&open.key(name))))
        });
        let entries: Vec<String> = entries.collect();
        (!entries.is_empty()).then(|| format!("{{{}}}", entries.join(",")))
    }

    /// What the client answered. What is no answer leaves its question open.
    pub(super) fn answer(&self, responses: Option<&Object<'_>>) {
        let answered: Vec<Open> = {
            let mut inner = lock(&self.0);
            for open in &mut inner.open {
                let keys: Vec<String> = open.each.iter().map(|(name, ..)| open.key(name)).collect();
                for ((_, _, answer), key) in open.each.iter_mut().zip(keys) {
                    let came = responses.and_then(|all| all.get(&key).ok().flatten());
                    if let Some(came) = came.filter(|came| came.starts_with('{')) {
                        *answer = Some(came.to_owned());
                    }
                }
            }
            let (answered, left) = std::mem::take(&mut inner.open)
                .into_iter()
                .partition(Open::is_answered);
            inner.open = left;
            answered
        };
        for open in answered {
            let members: Vec<String> = open
                .each
                .iter()
                .map(|(name, _, answer)| {
                    format!("{}:{}", quote(name), answer.as_deref().unwrap_or("null"))
                })
                .collect();
            // Who asked may have gone meanwhile.
            let _ = open.answer.send(format!("{{{}}}", members.join(",")));
        }
    }
}

/// Questions are open for as long as who asks waits.
struct Asked<'a> {
    questions: &'a Questions,
    number: u32,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut inner = lock(&self.questions.0);
        inner.open.retain(|open| open.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn object(text: &str) -> Object<'_> {
        Object::parse(text).unwrap()
    }

    #[tokio::test]
    async fn the_same_names_of_two_calls_are_two_questions() {
        let (questions, handle) = (Arc::new(Questions::default()), CallHandle::new());
        let ask = |text: &'static str| {
            let (questions, handle) = (questions.clone(), handle.clone());
            tokio::spawn(async move { questions.ask(&handle, text).await })
        };
        let one = ask(r#"{"q":{"a":1}}"#);
        tokio::task::yield_now().await;
        let two = ask(r#"{"q":{"a":2},"r":{"a":3}}"#);
        tokio::task::yield_now().await;
        let all = r#"{"1.q":{"a":1},"2.q":{"a":2},"2.r":{"a":3}}"#;
        assert_eq!(questions.requests().unwrap(), all);
        questions.answer(Some(&object(r#"{"2.q":{"x":2},"1.q":{"x":1},"2.r":7}"#)));
        assert_eq!(one.await.unwrap().unwrap(), r#"{"q":{"x":1}}"#);
        assert_eq!(questions.requests().unwrap(), r#"{"2.r":{"a":3}}"#);
        questions.answer(Some(&object(r#"{"2.r":{}}"#)));
        assert_eq!(two.await.unwrap().unwrap(), r#"{"q":{"x":2},"r":{}}"#);
        assert_eq!(questions.requests(), None);
    }

    #[tokio::test]
    async fn who_asks_and_goes_leaves_nothing_open() {
        let (questions, handle) = (Arc::new(Questions::default()), CallHandle::new());
        let asks = {
            let questions = questions.clone();
            tokio::spawn(async move { questions.ask(&handle, r#"{"q":{}}"#).await })
        };
        tokio::task::yield_now().await;
        assert!(questions.requests().is_some());
        asks.abort();
        assert!(asks.await.is_err());
        assert_eq!(questions.requests(), None);
    }

    #[tokio::test]
    async fn how_much_is_asked_has_a_limit() {
        let (questions, handle) = (Questions::default(), CallHandle::new());
        let many: Vec<String> = (0..=INQUIRY_QUESTIONS_MAX)
            .map(|n| format!(r#""q{n}":{{}}"#))
            .collect();
        let many = format!("{{{}}}", many.join(","));
        assert!(questions.ask(&handle, &many).await.is_err());
        let large = format!(r#"{{"q":{{"a":"{}"}}}}"#, "x".repeat(INQUIRY_BYTES_MAX));
        assert!(questions.ask(&handle, &large).await.is_err());
        assert_eq!(questions.requests(), None);
    }
}
