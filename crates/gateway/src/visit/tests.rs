//! A visit ends once, and only what was kept was given.

use std::sync::Mutex;

use super::*;
use crate::outbox::lock;

const LIFE: Duration = Duration::from_secs(60);

/// A visit for these names, which keeps what it is given here; while `trouble` has words, it cannot.
fn visit(names: &[&str]) -> (Arc<Visit>, Arc<Mutex<Kept>>) {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let page = Page {
        server: "a".to_owned(),
        fields: names
            .iter()
            .map(|name| Field {
                name: (*name).to_owned(),
                ..Field::default()
            })
            .collect(),
        ..Page::default()
    };
    let keeper = kept.clone();
    let visit = Visit::new(page, LIFE, move |values| {
        let mut kept = lock(&keeper);
        match kept.trouble.take() {
            Some(why) => Err(why),
            None => {
                let values = values.iter().map(|value| value.reveal().to_owned());
                kept.values.extend(values);
                Ok(())
            }
        }
    });
    (Arc::new(visit), kept)
}

#[derive(Default)]
struct Kept {
    values: Vec<String>,
    trouble: Option<String>,
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_given_is_kept_once() {
    let (visit, kept) = visit(&["a.token"]);
    assert_eq!((visit.is_open(), visit.ended()), (true, None));
    assert_eq!(visit.give(&[secret("one")]), Ok(()));
    assert_eq!(visit.over().await, End::Given);
    assert_eq!(visit.give(&[secret("two")]), Err(Ungiven::Over));
    assert!(!visit.decline());
    visit.withdraw();
    assert_eq!(visit.ended(), Some(End::Given));
    assert_eq!(lock(&kept).values, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_leaves_it_open() {
    let (visit, kept) = visit(&["a.token"]);
    lock(&kept).trouble = Some("the disk is full".to_owned());
    let failed = |why: &str| Err(Ungiven::Failed(why.to_owned()));
    assert_eq!(visit.give(&[secret("one")]), failed("the disk is full"));
    assert_eq!(visit.give(&[]), failed("a value is missing"));
    assert!(visit.is_open());
    assert_eq!(visit.give(&[secret("two")]), Ok(()));
    assert_eq!(lock(&kept).values, ["two"]);
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_breaks_off_leaves_it_open() {
    let page = Page::default();
    let visit = Arc::new(Visit::new(page, LIFE, |_| panic!("no")));
    let thread = std::thread::spawn({
        let visit = visit.clone();
        move || visit.give(&[])
    });
    assert!(thread.join().is_err());
    assert!(visit.decline());
}

#[tokio::test(start_paused = true)]
async fn it_ends_by_a_no_by_being_taken_back_and_by_time() {
    let (declined, _) = visit(&["a"]);
    assert!(declined.decline());
    assert_eq!(declined.over().await, End::Declined);
    let (withdrawn, _) = visit(&["a"]);
    withdrawn.withdraw();
    assert_eq!(withdrawn.over().await, End::Withdrawn);

    let (expired, kept) = visit(&["a"]);
    let began = Instant::now();
    assert_eq!(expired.over().await, End::Expired);
    assert_eq!(began.elapsed().as_secs(), LIFE.as_secs());
    assert_eq!(expired.give(&[secret("late")]), Err(Ungiven::Over));
    // Also where nobody waits for its end.
    let (forgotten, _) = visit(&["a"]);
    tokio::time::advance(LIFE).await;
    assert!(!forgotten.is_open() && !forgotten.decline());
    assert_eq!(
        forgotten.give(&[secret("late")]),
        Err(Ungiven::Over),
        "a moment too late"
    );
    assert!(lock(&kept).values.is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_many_answers_at_once_one_is_kept() {
    let (visit, kept) = visit(&["a"]);
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let visit = visit.clone();
            std::thread::spawn(move || visit.give(&[secret(&n.to_string())]).is_ok())
        })
        .collect();
    let kept_by = threads.into_iter().filter_map(|t| t.join().ok());
    assert_eq!(kept_by.filter(|is_kept| *is_kept).count(), 1);
    assert_eq!(lock(&kept).values.len(), 1);
}

/// A visit that leads away, and ends so.
fn led(answer: Result<(), Unfinished>) -> Visit {
    let visit = Visit::away(Page::default(), LIFE);
    visit.lead(Away {
        url: "https://h/".to_owned(),
        issuer: "https://h".to_owned(),
        scopes: Vec::new(),
        is_answered_by: Box::new(|query| query == "mine"),
        finish: Box::new(move |_| {
            let answer = answer.clone();
            Box::pin(async move { answer })
        }),
    });
    visit
}

#[tokio::test(start_paused = true)]
async fn a_browser_comes_back_once() {
    let visit = led(Ok(()));
    assert!(visit.way().is_some_and(|way| (way.is_answered_by)("mine")));
    // There is nothing to enter.
    assert!(visit.give(&[]).is_err() && visit.is_open());
    assert_eq!(visit.come_back("mine".to_owned()).await, Ok(()));
    assert_eq!(visit.over().await, End::Given);
    assert_eq!(visit.come_back("mine".to_owned()).await, Err(None));
}

#[tokio::test(start_paused = true)]
async fn what_went_wrong_on_the_way_is_known() {
    let refused = Unfinished::Declined("no".to_owned());
    let visit = led(Err(refused.clone()));
    assert_eq!(visit.come_back(String::new()).await, Err(Some(refused)));
    assert_eq!(visit.over().await, End::Declined);
    let failed = Unfinished::Failed("broken".to_owned());
    let visit = led(Err(failed.clone()));
    assert_eq!(visit.come_back(String::new()).await, Err(Some(failed)));
    assert_eq!(visit.over().await, End::Failed);
    assert_eq!(visit.failure().as_deref(), Some("broken"));
    // One that leads nowhere yet, or is over, takes nothing.
    let visit = Visit::away(Page::default(), LIFE);
    assert_eq!(visit.come_back(String::new()).await, Err(None));
    assert!(visit.is_open());
    let visit = led(Ok(()));
    tokio::time::advance(LIFE).await;
    assert_eq!(visit.come_back(String::new()).await, Err(None));
}
