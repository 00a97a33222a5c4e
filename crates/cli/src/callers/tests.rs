//! Who a token is, and what its caller may do.

use config::callers::New;
use gateway::AllowAll;
use policy::{Asked, Era, Hints, ServerFacts};
use server::Callers as _;

use super::*;

fn dirs() -> (tempfile::TempDir, Dirs) {
    let home = tempfile::tempdir().unwrap();
    let env = config::Env::of([("PORTOLAN_HOME", home.path().as_os_str())]);
    let dirs = Dirs::from_env(&env).unwrap();
    (home, dirs)
}

fn add(dirs: &Dirs, new: New) -> String {
    callers::add(dirs, new, 0).unwrap().reveal().to_owned()
}

/// Who came in.
fn name(admitted: Result<Admitted, Unadmitted>) -> Option<String> {
    match admitted {
        Ok(admitted) => Some(admitted.name.to_string()),
        Err(Unadmitted::Unknown) => None,
        Err(_) => panic!("somebody is known, and not let in"),
    }
}

fn ci() -> New {
    New {
        name: "ci".into(),
        ..New::default()
    }
}

#[test]
fn who_listens_does_so_as_long_as_their_token_is_good() {
    let (_home, dirs) = dirs();
    let token = add(&dirs, ci());
    let registry = Registry::open(&dirs, None).unwrap();
    let Ok(admitted) = registry.admit(&token, "/mcp") else {
        panic!("it is a good token");
    };
    let lease = admitted.lease.unwrap();
    assert!(registry.holds("ci", &lease) && !registry.holds("ann", &lease));
    let ended = Lease {
        until_s: Some(1),
        ..lease
    };
    assert!(!registry.holds("ci", &ended));
    callers::remove(&dirs, "ci").unwrap();
    registry.refresh().unwrap();
    assert!(!registry.holds("ci", &lease));
    // Another caller of the same name is no reason to go on.
    add(&dirs, ci());
    registry.refresh().unwrap();
    assert!(!registry.holds("ci", &lease));
}

#[test]
fn accounts_are_shared_with_whom_that_was_said_of() {
    let (_home, dirs) = dirs();
    add(&dirs, ci());
    let registry = Registry::open(&dirs, None).unwrap();
    let before = registry.accounts("ci");
    assert!(matches!(before, Whose::Own(_)));
    for own in ["local", "cli", "token"] {
        assert_eq!(registry.accounts(own), Whose::Person);
    }
    // Whoever has the name later has nothing of whoever had it before.
    callers::remove(&dirs, "ci").unwrap();
    add(&dirs, ci());
    registry.refresh().unwrap();
    assert!(matches!(registry.accounts("ci"), Whose::Own(_)) && registry.accounts("ci") != before);
    let sharing = New {
        name: "ann".into(),
        share_accounts: true,
        ..New::default()
    };
    add(&dirs, sharing);
    registry.refresh().unwrap();
    assert!(matches!(registry.accounts("ann"), Whose::OwnOrPerson(_)));
    // Nobody who is not known any more has anything of the person.
    assert_eq!(registry.accounts("x at y"), Whose::Own(0));
}

#[test]
fn tokens_lead_to_callers_until_they_are_taken_away() {
    let (_home, dirs) = dirs();
    let token = add(&dirs, ci());
    let registry = Registry::open(&dirs, None).unwrap();
    assert_eq!(name(registry.admit(&token, "/mcp")), Some("ci".into()));
    assert_eq!(name(registry.admit("x", "/mcp")), None);
    assert!(!registry.refresh().unwrap());
    assert!(registry.is_guest("ci") && registry.is_guest("x at y") && !registry.is_guest("token"));
    callers::remove(&dirs, "ci").unwrap();
    assert!(registry.refresh().unwrap());
    assert_eq!(name(registry.admit(&token, "/mcp")), None);
    let old = New {
        expires: Some(1),
        ..ci()
    };
    let token = add(&dirs, old);
    registry.refresh().unwrap();
    assert!(matches!(
        registry.admit(&token, "/mcp"),
        Err(Unadmitted::Expired)
    ));
}

#[test]
fn while_the_file_is_damaged_nobody_comes_in_by_it() {
    let (_home, dirs) = dirs();
    let token = add(&dirs, ci());
    let registry = Registry::open(&dirs, None).unwrap();
    let good = std::fs::read(dirs.callers_file()).unwrap();
    std::fs::write(dirs.callers_file(), "nonsense").unwrap();
    assert!(registry.refresh().is_err());
    assert_eq!(name(registry.admit(&token, "/mcp")), None);
    std::fs::write(dirs.callers_file(), good).unwrap();
    assert!(registry.refresh().unwrap());
    assert!(registry.admit(&token, "/mcp").is_ok());
    std::fs::write(dirs.callers_file(), "nonsense").unwrap();
    assert!(Registry::open(&dirs, None).is_err());
}

#[test]
fn rights_come_before_rules() {
    let (_home, dirs) = dirs();
    add(
        &dirs,
        New {
            rights: Rights {
                servers: vec!["git*".into()],
                ..Rights::default()
            },
            ..ci()
        },
    );
    add(
        &dirs,
        New {
            name: "reader".into(),
            rights: Rights {
                tools: vec!["read_*".into(), "time:now".into()],
                ..Rights::default()
            },
            ..New::default()
        },
    );
    let rightful = Rightful {
        callers: Arc::new(Registry::open(&dirs, None).unwrap()),
        rules: Arc::new(AllowAll),
        profile: None,
    };
    assert!(rightful.is_needed());
    let may = |caller: &str, server: &str, asked: Asked<'_>| {
        let server = ServerFacts {
            name: server.to_owned(),
            kind: "command".into(),
            source: "x".into(),
            catalog: "own".into(),
            transport: "stdio".into(),
        };
        let facts = Facts {
            caller,
            scopes: None,
            client: None,
            server: &server,
            asked,
            era: Era::Handshake,
            now_s: None,
        };
        let may = rightful.decide(&facts) == Decision::Allow;
        assert_eq!(may, rightful.closed(&facts).is_none());
        may
    };
    let tool = |name| Asked::Tool {
        name,
        hints: Hints::default(),
        arguments: None,
    };
    for (caller, server, asked, expected) in [
        ("ci", "github", tool("x"), true),
        ("ci", "github", Asked::Resource("x"), true),
        ("ci", "time", tool("x"), false),
        ("ci", "time", Asked::Load, false),
        ("reader", "github", tool("read_file"), true),
        ("reader", "github", tool("write_file"), false),
        ("reader", "github", tool("now"), false),
        ("reader", "time", tool("now"), true),
        ("reader", "time", Asked::Load, true),
        ("reader", "time", Asked::Prompt("x"), false),
        ("token", "anything", tool("x"), true),
    ] {
        assert_eq!(
            may(caller, server, asked),
            expected,
            "{caller} {server} {asked:?}"
        );
    }
}

#[test]
fn a_server_of_another_profile_is_another_server() {
    let (_home, dirs) = dirs();
    let name = |name: &str| catalog::ServerName::new(name).unwrap();
    let made = config::change_profile(&dirs, &name("work"), |profile| {
        let profile = profile.get_or_insert_with(|| catalog::Profile::new(&name("work")));
        let time = catalog::Entry::command(name("time"), "time", [""; 0]);
        profile.servers.push(catalog::ProfileServer::new(time));
        Ok::<_, ()>(())
    });
    made.unwrap().unwrap();
    add(
        &dirs,
        New {
            rights: Rights {
                profiles: vec!["work".into()],
                ..Rights::default()
            },
            ..ci()
        },
    );
    let may = |profile: Option<&str>, server: &str| {
        let rightful = Rightful {
            callers: Arc::new(Registry::open(&dirs, None).unwrap()),
            rules: Arc::new(AllowAll),
            profile: profile.map(str::to_owned),
        };
        let server = ServerFacts {
            name: server.to_owned(),
            kind: "command".into(),
            source: "x".into(),
            catalog: "own".into(),
            transport: "stdio".into(),
        };
        rightful.decide(&Facts {
            caller: "ci",
            scopes: None,
            client: None,
            server: &server,
            asked: Asked::Load,
            era: Era::Handshake,
            now_s: None,
        }) == Decision::Allow
    };
    assert!(may(None, "time") && may(Some("work"), "time"));
    assert!(!may(Some("home"), "time") && !may(Some("work"), "git"));
}
