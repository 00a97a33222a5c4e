//! Tokens that end, that are refused, and that everybody wants to renew at once.

use secrets::Secret;
use serde_json::json;
use tokio::task::JoinSet;

use super::*;

fn bearer(number: u32) -> Secret {
    Secret::new(&format!("Bearer access-{number}")).unwrap()
}

/// A clock that tests move.
fn later() -> u64 {
    1_000_000 + LATER.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_survives_a_restart() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    here.sign_in(&fake, &party).await.unwrap();
    let token = here
        .again()
        .renew(&party, Some(&bearer(1)), &nothing())
        .await
        .unwrap();
    assert_eq!(token.bearer, bearer(2));
    let asked = fake.asked("/token");
    assert_eq!(asked[1]["grant_type"], "refresh_token");
    assert_eq!(
        (&*asked[1]["resource"], &*asked[1]["client_id"]),
        (&*fake.url("/mcp"), "client-1")
    );
    // What the server rotates is kept: it works again and again.
    let token = here
        .again()
        .renew(&party, Some(&bearer(2)), &nothing())
        .await
        .unwrap();
    assert_eq!(token.bearer, bearer(3));
    // Whoever comes late with the old one gets what is there.
    let token = here
        .accounts
        .renew(&party, Some(&bearer(1)), &nothing())
        .await
        .unwrap();
    assert_eq!(token.bearer, bearer(3));
    assert_eq!(fake.asked("/token").len(), 3);
}

#[tokio::test]
async fn ten_processes_at_once_renew_once() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    here.sign_in(&fake, &party).await.unwrap();
    let mut all = JoinSet::new();
    for _ in 0..10 {
        // Each has its own accounts, so that nothing but the disk is between them.
        let (accounts, party) = (here.again(), party.clone());
        all.spawn(async move { accounts.renew(&party, Some(&bearer(1)), &nothing()).await });
    }
    while let Some(renewed) = all.join_next().await {
        assert_eq!(renewed.unwrap().unwrap().bearer, bearer(2));
    }
    assert_eq!(fake.asked("/token").len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    fake.knobs().life_s = Some(1_000);
    let accounts = Accounts::over(fetch::Client::default(), options(&here.folder), later);
    let sign_in = accounts.begin(&party, &nothing(), REDIRECT).await.unwrap();
    let query = fake.approve(sign_in.url()).await;
    accounts.finish(sign_in, &query).await.unwrap();
    let token = accounts.token(&party).unwrap().unwrap();
    assert_eq!(
        (token.renew_s, token.expires_s),
        (Some(1_000_940), Some(1_001_000))
    );
    assert_eq!(
        accounts
            .renew(&party, None, &nothing())
            .await
            .unwrap()
            .bearer,
        bearer(1)
    );
    LATER.store(950, Ordering::Relaxed);
    // While it is still good, trouble on the way is none.
    fake.knobs().broken_refresh = true;
    assert_eq!(
        accounts
            .renew(&party, None, &nothing())
            .await
            .unwrap()
            .bearer,
        bearer(1)
    );
    fake.knobs().broken_refresh = false;
    assert_eq!(
        accounts
            .renew(&party, None, &nothing())
            .await
            .unwrap()
            .bearer,
        bearer(2)
    );
    // After its end it is not shown any more, and trouble is told, not taken for a sign-out.
    LATER.store(5_000, Ordering::Relaxed);
    assert!(accounts.token(&party).unwrap().is_none() && accounts.has(&party));
    fake.knobs().broken_refresh = true;
    let error = accounts.renew(&party, None, &nothing()).await.unwrap_err();
    assert!(
        !error.is_for_person() && error.to_string().contains("status 503"),
        "{error}"
    );
    fake.knobs().broken_refresh = false;
    assert_eq!(
        accounts
            .renew(&party, None, &nothing())
            .await
            .unwrap()
            .bearer,
        bearer(3)
    );
    // A clock that went back says nothing: what it said the end was may be long over.
    LATER.store(0, Ordering::Relaxed);
    assert!(accounts.token(&party).unwrap().is_none());
    assert_eq!(
        accounts
            .renew(&party, None, &nothing())
            .await
            .unwrap()
            .bearer,
        bearer(4)
    );
}

#[tokio::test]
async fn what_has_ended_needs_the_person() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    let error = here
        .accounts
        .renew(&party, None, &nothing())
        .await
        .unwrap_err();
    assert!(error.is_for_person(), "{error}");
    here.sign_in(&fake, &party).await.unwrap();
    fake.knobs().refuses_refresh = Some("invalid_grant");
    let error = here
        .accounts
        .renew(&party, Some(&bearer(1)), &nothing())
        .await
        .unwrap_err();
    assert!(error.is_for_person(), "{error}");
    // It is not tried again and again.
    let error = here
        .accounts
        .renew(&party, Some(&bearer(1)), &nothing())
        .await
        .unwrap_err();
    assert!(
        error.is_for_person() && fake.asked("/token").len() == 2,
        "{error}"
    );
    assert!(!here.accounts.list().unwrap()[0].is_good);
}

#[tokio::test]
async fn more_rights_are_asked_of_the_person_together_with_the_old_ones() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    fake.knobs().challenge = Some("Bearer scope=\"read\"".into());
    here.sign_in(&fake, &party).await.unwrap();
    let more = Challenge::read(["Bearer error=\"insufficient_scope\", scope=\"write\""]);
    let error = here
        .accounts
        .renew(&party, Some(&bearer(1)), &more)
        .await
        .unwrap_err();
    assert!(error.is_for_person(), "{error}");
    let sign_in = here.accounts.begin(&party, &more, REDIRECT).await.unwrap();
    assert_eq!(sign_in.scopes().to_string(), "read write");
    let query = fake.approve(sign_in.url()).await;
    here.accounts.finish(sign_in, &query).await.unwrap();
    // Refused with all that, nobody is asked for it again.
    let error = here
        .accounts
        .renew(&party, Some(&bearer(2)), &more)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, AuthError::StillRefused(scopes) if scopes == "write"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_has_moved_is_shown_nothing_of_the_other() {
    let (fake, other, here) = (Fake::start().await, Fake::start().await, Here::new());
    let party = party(&fake);
    here.sign_in(&fake, &party).await.unwrap();
    fake.knobs().description = json!({"authorization_servers": [other.url("")]});
    let error = here
        .accounts
        .renew(&party, Some(&bearer(1)), &nothing())
        .await
        .unwrap_err();
    assert!(
        error.is_for_person() && error.to_string().contains("moved"),
        "{error}"
    );
    assert_eq!(fake.asked("/token").len(), 1, "the old one is not asked");
    let sign_in = here
        .accounts
        .begin(&party, &nothing(), REDIRECT)
        .await
        .unwrap();
    assert_eq!(sign_in.issuer(), other.url(""));
    let query = other.approve(sign_in.url()).await;
    here.accounts.finish(sign_in, &query).await.unwrap();
    assert_eq!(other.knobs().registered, 1);
    assert_eq!(other.asked("/token").len(), 1);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_and_left_alone() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    here.sign_in(&fake, &party).await.unwrap();
    let path = here.folder.path().join("accounts/secrets");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    for error in [
        here.accounts.token(&party).unwrap_err(),
        here.accounts
            .renew(&party, None, &nothing())
            .await
            .unwrap_err(),
        here.sign_in(&fake, &party).await.unwrap_err(),
    ] {
        assert!(matches!(error, AuthError::Store(_)), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
