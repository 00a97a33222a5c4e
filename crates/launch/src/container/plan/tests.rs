//! What stands in the one request that makes a container.

use super::super::api::Api;
use super::super::volumes::Mount;
use super::*;

fn engine(rootless: bool) -> Engine {
    Engine {
        api: Api::new("/s".into()),
        name: "Docker 1".to_owned(),
        arch: "amd64".to_owned(),
        is_podman: false,
        rootless,
        missing: Vec::new(),
    }
}

fn image(user: &str) -> Image {
    let text = format!("{{\"Id\":\"sha256:aa\",\"Config\":{{\"User\":\"{user}\"}}}}");
    serde_json::from_str(&text).unwrap()
}

fn declared() -> Declared {
    Declared {
        image: "acme/x:1".to_owned(),
        command: vec!["--key=hunter2".to_owned()],
        env: vec![("TOKEN".to_owned(), "hunter2".to_owned())],
        user: None,
        extra_hosts: vec!["db:10.0.0.1".to_owned()],
        is_writable: false,
        mounts: Vec::new(),
        way: Way::None,
    }
}

/// What a plan borrows.
struct Case {
    engine: Engine,
    image: Image,
    owner: Owner,
}

impl Case {
    fn new(user: &str, rootless: bool) -> Self {
        Self {
            engine: engine(rootless),
            image: image(user),
            owner: Owner {
                id: "1-a".to_owned(),
                registry: "/run/p".to_owned(),
            },
        }
    }

    fn plan<'a>(&'a self, declared: &'a Declared) -> Plan<'a> {
        Plan {
            server: "x",
            declared,
            image: &self.image,
            engine: &self.engine,
            limits: BoxLimits::default(),
            owner: &self.owner,
            enter: Path::new("/cache/enter-1"),
            door: None,
        }
    }
}

#[test]
fn a_door_is_a_socket_in_a_file_and_a_port() {
    let (case, declared) = (Case::new("", false), declared());
    let body = Plan {
        door: Some(Path::new("/cache/doors/a")),
        ..case.plan(&declared)
    }
    .body();
    assert_eq!(body["Cmd"], json!(["3128", "/.portolan-door"]));
    let door = &body["HostConfig"]["Mounts"][1];
    assert_eq!(
        (&door["Source"], &door["ReadOnly"]),
        (&json!("/cache/doors/a"), &json!(true))
    );
}

fn mount(what: What, writable: bool) -> Mount {
    Mount {
        what,
        target: "/data".to_owned(),
        writable,
    }
}

fn bind(uid: u32) -> What {
    What::Bind {
        source: "/home/me/notes".into(),
        owner: (uid, 100),
    }
}

#[test]
fn a_container_has_the_least_unless_more_was_said() {
    let body = Case::new("", false).plan(&declared()).body();
    let host = &body["HostConfig"];
    assert_eq!(host["NetworkMode"], "none");
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["AutoRemove"], true);
    assert_eq!(host["Memory"], json!(2_u64 << 30));
    assert_eq!(host["MemorySwap"], host["Memory"]);
    assert_eq!(
        (&host["NanoCpus"], &host["PidsLimit"]),
        (&json!(2_000_000_000_u64), &json!(512))
    );
    assert_eq!(host["ExtraHosts"], json!(["db:10.0.0.1"]));
    assert_eq!(host["LogConfig"]["Type"], "none");
    assert_eq!(host["Mounts"].as_array().unwrap().len(), 1);
    for never in [
        "Privileged",
        "CapAdd",
        "Devices",
        "PidMode",
        "UTSMode",
        "Binds",
        "PortBindings",
    ] {
        assert!(host.get(never).is_none(), "{never}");
    }
    assert_eq!(
        (&body["Image"], &body["User"]),
        (&json!("sha256:aa"), &json!(NOBODY))
    );
    assert_eq!(body["Labels"][OWNER], "1-a");
    assert_eq!(body["Labels"][REGISTRY], "/run/p");
    assert_eq!(body["Labels"][SERVER], "x");
    // Neither arguments nor environment go through the engine.
    assert!(!body.to_string().contains("hunter2"));
}

#[test]
fn what_was_said_is_in_it() {
    let mut declared = declared();
    declared.is_writable = true;
    declared.way = Way::Open;
    declared.mounts = vec![
        mount(bind(1000), true),
        mount(What::Named("cache".to_owned()), false),
    ];
    let body = Case::new("", false).plan(&declared).body();
    let host = &body["HostConfig"];
    assert_eq!(
        (&host["ReadonlyRootfs"], &host["NetworkMode"]),
        (&json!(false), &json!("default"))
    );
    assert_eq!(
        host["Mounts"][1],
        json!({"Type": "bind", "Source": "/home/me/notes", "Target": "/data", "ReadOnly": false})
    );
    assert_eq!(
        host["Mounts"][2],
        json!({"Type": "volume", "Source": "cache", "Target": "/data", "ReadOnly": true})
    );
}

#[test]
fn whom_a_server_is() {
    let of = |declared: &Declared, user: &str, rootless: bool| {
        Case::new(user, rootless).plan(declared).user()
    };
    let nobody = Some(NOBODY.to_owned());
    let mut said = declared();
    for (user, expected) in [
        ("", &nobody),
        ("root", &nobody),
        ("0:0", &nobody),
        ("node", &None),
        ("1000:1000", &None),
    ] {
        assert_eq!(&of(&said, user, false), expected, "{user}");
    }
    said.mounts = vec![mount(bind(1000), false)];
    assert_eq!(of(&said, "", false), nobody);
    said.mounts = vec![mount(bind(1000), true)];
    assert_eq!(of(&said, "", false).as_deref(), Some("1000:100"));
    assert_eq!(of(&said, "node", false), None);
    assert_eq!(of(&said, "", true), None);
    said.mounts = vec![mount(bind(0), true)];
    assert_eq!(of(&said, "", false), None);
    said.mounts = vec![mount(What::Named("v".to_owned()), true)];
    assert_eq!(of(&said, "", false), None);
    said.user = Some("7".to_owned());
    assert_eq!(of(&said, "node", true).as_deref(), Some("7"));
}

#[test]
fn the_environment_is_the_entrys_with_a_home_and_the_proxy() {
    let of = |declared: &Declared, user: &str, port| {
        Case::new(user, false).plan(declared).environment(port)
    };
    let mut said = declared();
    let has = |env: &[(String, String)], name: &str| {
        let mut values = env
            .iter()
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value.clone());
        (values.next(), values.next())
    };
    let env = of(&said, "", Some(3128));
    assert_eq!(has(&env, "TOKEN"), (Some("hunter2".to_owned()), None));
    assert_eq!(has(&env, "HOME"), (Some("/tmp".to_owned()), None));
    assert_eq!(
        has(&env, "https_proxy"),
        (Some("http://127.0.0.1:3128".to_owned()), None)
    );
    assert_eq!(of(&said, "node", None).len(), 1);
    said.env = vec![
        ("HOME".to_owned(), "/app".to_owned()),
        ("HTTP_PROXY".to_owned(), "x".to_owned()),
    ];
    let env = of(&said, "", Some(3128));
    assert_eq!(has(&env, "HOME"), (Some("/app".to_owned()), None));
    assert_eq!(has(&env, "HTTP_PROXY"), (Some("x".to_owned()), None));
}

#[test]
fn podman_is_told_what_it_knows() {
    let mut case = Case::new("", true);
    let scratch = |case: &Case| {
        let declared = declared();
        case.plan(&declared).body()["HostConfig"]["Tmpfs"].to_string()
    };
    assert!(scratch(&case).contains("nr_inodes="));
    case.engine.is_podman = true;
    let told = scratch(&case);
    assert!(
        told.contains("size=") && !told.contains("nr_inodes"),
        "{told}"
    );
}
