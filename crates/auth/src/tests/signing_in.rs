//! From a refusal to a token that is kept, and everything on the way that must not be followed.

use serde_json::json;

use super::*;
use crate::{Flow, OwnClient, Revoked};

#[tokio::test]
async fn a_person_signs_in_once_and_is_known_from_then_on() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    assert!(!here.accounts.has(&party) && here.accounts.token(&party).unwrap().is_none());
    fake.knobs().challenge = Some("Bearer scope=\"read write\"".into());
    here.sign_in(&fake, &party).await.unwrap();

    let asked = &fake.asked("/authorize")[0];
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "client-1"),
        ("redirect_uri", REDIRECT),
        ("code_challenge_method", "S256"),
        ("resource", &fake.url("/mcp")),
        ("scope", "read write"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    let exchanged = &fake.asked("/token")[0];
    assert_eq!(exchanged["resource"], fake.url("/mcp"));
    assert_eq!(exchanged["client_id"], "client-1");
    // It is there after a restart, and lies in the open nowhere.
    let token = here.again().token(&party).unwrap().unwrap();
    assert_eq!(token.bearer.reveal(), "Bearer access-1");
    for file in std::fs::read_dir(here.folder.path().join("accounts")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("access-1") && !text.contains("refresh-1"));
    }
    let account = here.accounts.list().unwrap().remove(0);
    assert!(account.is_good && account.is_renewable && account.name == "cloud");
    // The next time nobody registers again.
    here.sign_in(&fake, &party).await.unwrap();
    assert_eq!(fake.knobs().registered, 1);
}

#[tokio::test]
async fn several_accounts_stay_apart() {
    let (one, two, here) = (Fake::start().await, Fake::start().await, Here::new());
    let first = party(&one);
    let second = Party {
        name: "cloud-work".into(),
        ..first.clone()
    };
    let third = Party {
        name: "other".into(),
        ..party(&two)
    };
    for (fake, party) in [(&one, &first), (&one, &second), (&two, &third)] {
        here.sign_in(fake, party).await.unwrap();
    }
    let bearer = |party| here.accounts.token(party).unwrap().unwrap().bearer;
    assert_eq!(bearer(&first).reveal(), "Bearer access-1");
    assert_eq!(bearer(&second).reveal(), "Bearer access-2");
    assert_eq!(bearer(&third).reveal(), "Bearer access-1");
    assert_eq!(here.accounts.list().unwrap().len(), 3);
    // A name that leads elsewhere now has no account: a token is shown only where it came from.
    let moved = Party {
        url: two.url("/mcp"),
        ..first.clone()
    };
    assert!(here.accounts.token(&moved).unwrap().is_none() && !here.accounts.has(&moved));
    assert!(here.accounts.token(&first).unwrap().is_some());
}

#[tokio::test]
async fn what_a_caller_signs_in_to_is_theirs_alone() {
    let (fake, here) = (Fake::start().await, Here::new());
    let own = party(&fake);
    let of = |holder: &str| Party {
        holder: Some(holder.to_owned()),
        ..own.clone()
    };
    for party in [&own, &of("ann"), &of("bob at https://id.example")] {
        here.sign_in(&fake, party).await.unwrap();
    }
    let bearer = |party: &Party| {
        let token = here.accounts.token(party).unwrap();
        token.map(|token| token.bearer.reveal().to_owned())
    };
    assert_eq!(bearer(&own).unwrap(), "Bearer access-1");
    assert_eq!(bearer(&of("ann")).unwrap(), "Bearer access-2");
    assert!(bearer(&of("bob")).is_none() && !here.accounts.has(&of("bob")));
    let (bob, nothing) = (of("bob"), Challenge::default());
    let renewed = here.accounts.renew(&bob, None, &nothing).await;
    assert!(renewed.unwrap_err().is_for_person());
    let holders = || {
        let all = here.accounts.list().unwrap().into_iter();
        all.map(|account| account.holder).collect::<Vec<_>>()
    };
    let bob = "bob at https://id.example";
    assert_eq!(holders(), [None, Some("ann".into()), Some(bob.into())]);
    here.accounts.revoke("cloud", Some("ann")).await.unwrap();
    assert!(bearer(&of("ann")).is_none() && bearer(&own).is_some());
    assert_eq!(holders(), [None, Some(bob.into())]);
}

#[tokio::test]
async fn the_description_is_looked_for_where_the_standard_says() {
    let (fake, here) = (Fake::start().await, Here::new());
    fake.knobs().missing = vec!["/.well-known/oauth-protected-resource/mcp"];
    fake.knobs().challenge = Some(format!(
        "Bearer resource_metadata=\"{}\"",
        fake.url("/described")
    ));
    here.sign_in(&fake, &party(&fake)).await.unwrap();
    assert_eq!(
        fake.asked("/.well-known/oauth-protected-resource/mcp")
            .len(),
        0
    );

    // Without any, a server of old is its own authorization server.
    let (fake, here) = (Fake::start().await, Here::new());
    fake.knobs().missing = vec![
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
    ];
    here.sign_in(&fake, &party(&fake)).await.unwrap();
    let paths: Vec<String> = fake
        .knobs()
        .seen
        .iter()
        .map(|(path, _)| path.clone())
        .collect();
    let at = |path: &str| paths.iter().position(|known| known == path).unwrap();
    assert!(
        at("/.well-known/oauth-protected-resource/mcp")
            < at("/.well-known/oauth-protected-resource")
    );
    assert!(
        at("/.well-known/oauth-authorization-server") < at("/.well-known/openid-configuration")
    );
}

#[tokio::test]
async fn descriptions_that_lie_are_found_out() {
    for (description, metadata, says) in [
        (
            json!({"resource": "https://evil.example/mcp"}),
            json!({}),
            "not of http://127.0.0.1",
        ),
        (json!({"resource": null}), json!({}), "of nothing, not of"),
        (
            json!({"authorization_servers": []}),
            json!({}),
            "names no authorization server",
        ),
        (
            json!({"authorization_servers": ["x"]}),
            json!({}),
            "x is no URL",
        ),
        (
            json!({}),
            json!({"issuer": "https://other.example"}),
            "calls itself https://other.example",
        ),
        (
            json!({}),
            json!({"code_challenge_methods_supported": null}),
            "PKCE with S256",
        ),
        (
            json!({}),
            json!({"code_challenge_methods_supported": ["plain"]}),
            "PKCE with S256",
        ),
        (
            json!({}),
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            "not https",
        ),
        (
            json!({}),
            json!({"authorization_endpoint": null}),
            "no page to sign in",
        ),
        (
            json!({}),
            json!({"token_endpoint": null}),
            "no token endpoint",
        ),
        (
            json!({}),
            json!({"response_types_supported": ["token"]}),
            "gives no codes",
        ),
        (
            json!({}),
            json!({"registration_endpoint": null}),
            "oauth.client_id",
        ),
    ] {
        let (fake, here) = (Fake::start().await, Here::new());
        (fake.knobs().description, fake.knobs().metadata) = (description, metadata);
        let begun = here
            .accounts
            .begin(&party(&fake), &nothing(), REDIRECT)
            .await;
        let error = begun.err().unwrap().to_string();
        assert!(error.contains(says), "{says}: {error}");
        assert_eq!(fake.knobs().registered, 0, "{says}");
    }
    // An issuer with a slash more is another one.
    let (fake, here) = (Fake::start().await, Here::new());
    fake.knobs().metadata = json!({"issuer": fake.url("/")});
    let begun = here
        .accounts
        .begin(&party(&fake), &nothing(), REDIRECT)
        .await;
    assert!(matches!(
        begun.err().unwrap(),
        AuthError::OtherIssuer { .. }
    ));
}

#[tokio::test]
async fn nothing_leads_from_outside_to_this_machine() {
    let (fake, here) = (Fake::start().await, Here::new());
    // A server that a catalog names may not be here at all.
    let foreign = Party {
        trust: Trust::Outside,
        ..party(&fake)
    };
    let begun = here.accounts.begin(&foreign, &nothing(), REDIRECT).await;
    assert!(begun.err().unwrap().to_string().contains("it is not https"));
    // A public one that a person named leads nowhere private by what it says.
    let public = Party {
        url: "https://mcp.example/mcp".into(),
        ..party(&fake)
    };
    let challenge = Challenge {
        resource_metadata: Some(fake.url("/described")),
        ..nothing()
    };
    let begun = here.accounts.begin(&public, &challenge, REDIRECT).await;
    assert!(begun.err().unwrap().to_string().contains("it is not https"));
    assert!(fake.knobs().seen.is_empty());
}

#[tokio::test]
async fn a_token_endpoint_that_leads_on_gets_nothing_more() {
    let (fake, other, here) = (Fake::start().await, Fake::start().await, Here::new());
    fake.knobs().moved.insert("/token", other.url("/token"));
    let error = here.sign_in(&fake, &party(&fake)).await.unwrap_err();
    assert!(error.to_string().contains("status 302"), "{error}");
    assert!(other.knobs().seen.is_empty());
}

#[tokio::test]
async fn whoever_comes_back_is_whoever_was_asked() {
    let own = |fake: &Fake| fake.url("");
    for (advertised, iss, is_good) in [
        (false, None, true),
        (false, Some("own"), true),
        (true, Some("own"), true),
        (true, None, false),
        (true, Some("other"), false),
        (false, Some("other"), false),
        (true, Some("slash"), false),
    ] {
        let (fake, here) = (Fake::start().await, Here::new());
        fake.knobs().metadata =
            json!({"authorization_response_iss_parameter_supported": advertised});
        fake.knobs().iss = iss.map(|iss| match iss {
            "own" => own(&fake),
            "slash" => format!("{}/", own(&fake)),
            _ => "https://other.example".to_owned(),
        });
        let outcome = here.sign_in(&fake, &party(&fake)).await;
        match is_good {
            true => outcome.unwrap(),
            false => assert!(matches!(outcome.unwrap_err(), AuthError::Mixed), "{iss:?}"),
        }
        assert_eq!(fake.asked("/token").len(), usize::from(is_good), "{iss:?}");
    }
}

#[tokio::test]
async fn a_state_is_of_one_sign_in_and_good_once() {
    let (fake, here) = (Fake::start().await, Here::new());
    let party = party(&fake);
    fake.knobs().foreign_state = true;
    let error = here.sign_in(&fake, &party).await.unwrap_err();
    assert!(matches!(error, AuthError::State), "{error}");
    fake.knobs().foreign_state = false;
    // What answered one does not answer the next.
    let challenge = nothing();
    let begin = || here.accounts.begin(&party, &challenge, REDIRECT);
    let (first, second) = (begin().await.unwrap(), begin().await.unwrap());
    let query = fake.approve(first.url()).await;
    here.accounts.finish(first, &query).await.unwrap();
    assert!(!second.is_answered_by(&query));
    let error = here.accounts.finish(second, &query).await.unwrap_err();
    assert!(matches!(error, AuthError::State), "{error}");
    // Two values for one name are nobody's answer.
    let third = begin().await.unwrap();
    let query = fake.approve(third.url()).await;
    let error = here
        .accounts
        .finish(third, &format!("{query}&code=x"))
        .await
        .unwrap_err();
    assert!(matches!(error, AuthError::NoCode), "{error}");
    assert_eq!(fake.asked("/token").len(), 1);
}

#[tokio::test]
async fn no_is_an_answer() {
    let (fake, here) = (Fake::start().await, Here::new());
    fake.knobs().denied = true;
    let error = here.sign_in(&fake, &party(&fake)).await.unwrap_err();
    assert!(error.is_declined() && error.to_string().contains("access_denied"));
    assert!(here.accounts.list().unwrap().is_empty());
}

#[tokio::test]
async fn we_are_known_by_hand_by_document_or_by_registering() {
    let (fake, here) = (Fake::start().await, Here::new());
    let own = OwnClient {
        id: "mine:1".into(),
        secret: Some(secrets::Secret::new("s3cret").unwrap()),
        issuer: Some(fake.url("")),
        flow: Flow::Person,
    };
    let by_hand = Party {
        client: Some(own.clone()),
        ..party(&fake)
    };
    fake.knobs().metadata = json!({"client_id_metadata_document_supported": true});
    here.sign_in(&fake, &by_hand).await.unwrap();
    assert_eq!(fake.asked("/authorize")[0]["client_id"], "mine:1");
    let authorization = fake.knobs().authorization.clone();
    assert_eq!(authorization.as_deref(), Some("Basic bWluZSUzQTE6czNjcmV0"));
    assert!(!fake.asked("/token")[0].contains_key("client_secret"));
    let elsewhere = OwnClient {
        issuer: Some("https://other.example".into()),
        ..own
    };
    let elsewhere = Party {
        client: Some(elsewhere),
        ..party(&fake)
    };
    let begun = here.accounts.begin(&elsewhere, &nothing(), REDIRECT).await;
    assert!(matches!(
        begun.err().unwrap(),
        AuthError::OtherProvider { .. }
    ));

    let document = "https://portolan.example/client.json";
    let options = Options {
        document: Some(document.into()),
        ..options(&here.folder)
    };
    let begun = Accounts::new(options)
        .begin(&party(&fake), &nothing(), REDIRECT)
        .await;
    assert!(
        begun
            .unwrap()
            .url()
            .contains("client_id=https%3A%2F%2Fportolan.example")
    );
    assert_eq!(fake.knobs().registered, 0);

    // Whoever insists on a secret gives one, and it is shown as they like.
    fake.knobs().metadata =
        json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    fake.knobs().secret = Some("given");
    here.sign_in(&fake, &party(&fake)).await.unwrap();
    assert_eq!(fake.asked("/token")[1]["client_secret"], "given");
}

#[tokio::test]
async fn what_outlives_the_browser_is_asked_for_where_it_is_offered() {
    let (fake, here) = (Fake::start().await, Here::new());
    fake.knobs().metadata = json!({"scopes_supported": ["read", "offline_access"]});
    fake.knobs().description = json!({"scopes_supported": ["read"]});
    here.sign_in(&fake, &party(&fake)).await.unwrap();
    let asked = &fake.asked("/authorize")[0];
    assert_eq!(
        (&*asked["scope"], &*asked["prompt"]),
        ("read offline_access", "consent")
    );
}

#[tokio::test]
async fn a_client_signs_in_for_itself() {
    let (fake, here) = (Fake::start().await, Here::new());
    let client = OwnClient {
        id: "robot".into(),
        secret: Some(secrets::Secret::new("s3cret").unwrap()),
        issuer: None,
        flow: Flow::Client,
    };
    let party = Party {
        client: Some(client),
        scopes: Scopes::parse("run"),
        ..party(&fake)
    };
    assert!(here.accounts.has(&party));
    let token = here.accounts.renew(&party, None, &nothing()).await.unwrap();
    assert_eq!(token.bearer.reveal(), "Bearer access-1");
    let asked = &fake.asked("/token")[0];
    assert_eq!(
        (&*asked["grant_type"], &*asked["scope"]),
        ("client_credentials", "run")
    );
    let token = here
        .accounts
        .renew(&party, Some(&token.bearer), &nothing())
        .await
        .unwrap();
    assert_eq!(token.bearer.reveal(), "Bearer access-2");
}

#[tokio::test(start_paused = true)]
async fn a_person_signs_in_on_another_machine() {
    let (fake, here) = (Fake::start().await, Here::new());
    fake.knobs().pending = 3;
    let device = here
        .accounts
        .begin_device(&party(&fake), &nothing())
        .await
        .unwrap();
    assert_eq!(
        (device.user_code(), device.url()),
        ("ABCD-EFGH", &*fake.url("/here"))
    );
    here.accounts.finish_device(device).await.unwrap();
    assert_eq!(fake.asked("/token").len(), 4);
    assert!(here.accounts.has(&party(&fake)));
    // Nobody is waited for for ever.
    fake.knobs().pending = 1_000;
    let device = here
        .accounts
        .begin_device(&party(&fake), &nothing())
        .await
        .unwrap();
    let error = here.accounts.finish_device(device).await.unwrap_err();
    assert!(matches!(error, AuthError::Late(60)), "{error}");
}

#[tokio::test]
async fn an_account_is_given_up_here_and_there() {
    let (fake, here) = (Fake::start().await, Here::new());
    here.sign_in(&fake, &party(&fake)).await.unwrap();
    let revoked = here.accounts.revoke("cloud", None).await.unwrap();
    assert!(matches!(revoked, Revoked::Everywhere), "{revoked:?}");
    let told: Vec<String> = fake
        .asked("/revoke")
        .iter()
        .map(|form| form["token"].clone())
        .collect();
    assert_eq!(told, ["refresh-1", "access-1"]);
    assert!(!here.accounts.has(&party(&fake)));
    let error = here.accounts.revoke("cloud", None).await.unwrap_err();
    assert!(matches!(error, AuthError::Unknown(_)), "{error}");
}
