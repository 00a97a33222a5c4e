//! A proxy before real sockets of this machine.

use std::sync::Mutex;
use std::time::Duration;

use super::*;

#[derive(Default)]
struct Heard(Mutex<Vec<(String, Verdict)>>);

impl Recorder for Heard {
    fn decided(&self, decision: &Decision) {
        let decision = (decision.target.clone(), decision.verdict.clone());
        self.0.lock().unwrap().push(decision);
    }
}

struct World {
    heard: Arc<Heard>,
    way: SocketAddr,
    /// Where a server says what it heard.
    server: SocketAddr,
    _proxy: Proxy,
}

/// A server that answers each head with what it was, and says no more.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = Vec::new();
                while !heard.ends_with(b"\r\n\r\n") {
                    if client.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\nheard ").await;
                let _ = client.write_all(&heard).await;
            });
        }
    });
    address
}

async fn world(rules: &[&str], limits: Limits) -> World {
    let server = server().await;
    let rules = rules
        .iter()
        .map(|rule| rule.replace("SERVER", &server.to_string()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let way = listener.local_addr().unwrap();
    let heard = Arc::<Heard>::default();
    let allowed = AllowList::parse(rules).unwrap();
    World {
        way,
        server,
        _proxy: Proxy::serve(listener, allowed, heard.clone(), limits).unwrap(),
        heard,
    }
}

impl World {
    /// Says something and hears all that comes back.
    async fn ask(&self, said: &str) -> String {
        let mut way = TcpStream::connect(self.way).await.unwrap();
        way.write_all(said.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let _ = way.read_to_end(&mut heard).await;
        String::from_utf8(heard).unwrap()
    }

    fn verdicts(&self) -> Vec<(String, Verdict)> {
        self.heard.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn tunnels_and_plain_requests_go_where_they_are_mapped() {
    let world = world(
        &["a.test:80=SERVER", "*.b.test:443=SERVER"],
        Limits::default(),
    )
    .await;
    let plain = world
        .ask("GET http://a.test/x HTTP/1.1\r\nHost: evil\r\n\r\n")
        .await;
    assert!(
        plain.contains("heard GET /x HTTP/1.1\r\nHost: a.test\r\n"),
        "{plain}"
    );
    let tunnel = world
        .ask("CONNECT x.b.test:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert!(
        tunnel.starts_with("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n\r\nheard GET / HTTP/1.1\r\nHost: x\r\n"),
        "{tunnel}"
    );
    assert_eq!(
        world.verdicts(),
        [
            ("a.test:80".to_owned(), Verdict::Allowed),
            ("x.b.test:443".to_owned(), Verdict::Allowed)
        ]
    );
}

#[tokio::test]
async fn what_is_not_listed_is_not_even_looked_up() {
    let world = world(&["a.test:80=SERVER"], Limits::default()).await;
    let server = world.server;
    for target in [
        "a.test:443".to_owned(),
        "b.test:80".to_owned(),
        server.to_string(),
        format!("localhost:{}", server.port()),
        "169.254.169.254:80".to_owned(),
    ] {
        let said = world
            .ask(&format!("CONNECT {target} HTTP/1.1\r\n\r\n"))
            .await;
        assert!(said.starts_with("HTTP/1.1 403 not in the list"), "{said}");
        assert!(said.contains(&target), "{said}");
        assert_eq!(world.verdicts().pop(), Some((target, Verdict::NotListed)));
    }
}

#[tokio::test]
async fn a_listed_name_opens_no_private_address() {
    let listed = [
        "localhost",
        "127.0.0.1",
        "169.254.169.254",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
    ];
    let world = world(&listed, Limits::default()).await;
    for target in [
        "localhost:80",
        "127.0.0.1:80",
        "169.254.169.254:80",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
    ] {
        let said = world
            .ask(&format!("GET http://{target}/ HTTP/1.1\r\n\r\n"))
            .await;
        assert!(
            said.starts_with("HTTP/1.1 403 leads to "),
            "{target}: {said}"
        );
        let (_, verdict) = world.verdicts().pop().unwrap();
        assert!(matches!(verdict, Verdict::NotPublic(_)), "{target}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_told() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let world = world(&[&format!("a.test:80={address}")], Limits::default()).await;
    let said = world.ask("CONNECT a.test:80 HTTP/1.1\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 502 cannot be reached"), "{said}");
    let (_, verdict) = world.verdicts().pop().unwrap();
    assert!(matches!(verdict, Verdict::Unreachable(_)));
}

#[tokio::test]
async fn what_is_no_request_is_answered_and_recorded() {
    let world = world(&[], Limits::default()).await;
    for (said, status) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET https://a/ HTTP/1.1\r\n\r\n".to_owned(), "501"),
        (
            format!("GET http://a/{} ", "x".repeat(Limits::default().head_bytes)),
            "431",
        ),
    ] {
        let heard = world.ask(&said).await;
        // A head that is too long may be cut off before its answer is read.
        assert!(
            heard.is_empty() || heard.starts_with(&format!("HTTP/1.1 {status} ")),
            "{heard}"
        );
        assert_eq!(
            world.verdicts().pop(),
            Some((String::new(), Verdict::Malformed))
        );
    }
}

#[tokio::test]
async fn connections_have_a_number_and_heads_a_time() {
    let limits = Limits {
        connections: 1,
        head_wait: Duration::from_millis(100),
        ..Limits::default()
    };
    let world = world(&["a.test:80=SERVER"], limits).await;
    let mut first = TcpStream::connect(world.way).await.unwrap();
    first
        .write_all(b"CONNECT a.test:80 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    first.readable().await.unwrap();
    let said = world.ask("").await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert_eq!(world.verdicts().pop(), Some((String::new(), Verdict::Busy)));
    // Its turn is free again as soon as it leaves.
    drop(first);
    let late = loop {
        let said = world.ask("CONNECT").await;
        if !said.is_empty() && !said.starts_with("HTTP/1.1 503 ") {
            break said;
        }
    };
    assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
}

#[tokio::test]
async fn a_connection_that_stands_still_ends() {
    let limits = Limits {
        idle: Duration::from_millis(50),
        ..Limits::default()
    };
    let world = world(&["a.test:80=SERVER"], limits).await;
    let said = world.ask("CONNECT a.test:80 HTTP/1.1\r\n\r\n").await;
    assert_eq!(said, "HTTP/1.1 200 Connection established\r\n\r\n");
}

#[tokio::test]
async fn dropping_closes_everything() {
    let world = world(&["a.test:80=SERVER"], Limits::default()).await;
    let mut open = TcpStream::connect(world.way).await.unwrap();
    open.write_all(b"CONNECT a.test:80 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut head = [0; 39];
    open.read_exact(&mut head).await.unwrap();
    let way = world.way;
    drop(world);
    assert_eq!(open.read(&mut head).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(way).await.is_err());
}

/// The doors of a box: a proxy, names, and a forward on every address of the loopback.
struct Boxed {
    heard: Arc<Heard>,
    proxy: Proxy,
    names: SocketAddr,
    port: u16,
}

fn boxed(rules: impl Fn(u16) -> Vec<String>) -> Boxed {
    let forward = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = forward.local_addr().unwrap().port();
    let names = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let heard = Arc::<Heard>::default();
    Boxed {
        names: names.local_addr().unwrap(),
        port,
        proxy: Proxy::serve(
            Doors {
                proxy: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
                names: Some(names),
                network: Ipv4Addr::new(127, 64, 0, 0),
                forwards: vec![forward],
            },
            AllowList::parse(rules(port)).unwrap(),
            heard.clone(),
            Limits::default(),
        )
        .unwrap(),
        heard,
    }
}

impl Boxed {
    /// The code of the answer, and the address in it.
    async fn resolve(&self, name: &str) -> (u8, Option<Ipv4Addr>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let question = crate::dns::tests::question(name, 1);
        socket.send_to(&question, self.names).await.unwrap();
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer).await.unwrap();
        let address: Option<[u8; 4]> =
            (length > question.len()).then(|| answer[length - 4..length].try_into().unwrap());
        (answer[3] & 15, address.map(Ipv4Addr::from))
    }

    async fn ask(&self, address: Ipv4Addr) -> String {
        let mut way = TcpStream::connect((address, self.port)).await.unwrap();
        let _ = way.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
        let mut heard = String::new();
        let _ = way.read_to_string(&mut heard).await;
        heard
    }

    fn verdicts(&self) -> Vec<(String, Verdict)> {
        self.heard.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_listed_name_stands_for_an_address_that_leads_to_its_host() {
    let server = server().await;
    let boxed = boxed(|port| vec![format!("a.test:{port}={server}"), "b.test:9".into()]);
    let (code, address) = boxed.resolve("A.test").await;
    assert_eq!((code, address), (0, Some(Ipv4Addr::new(127, 64, 0, 1))));
    let heard = boxed.ask(address.unwrap()).await;
    assert!(heard.ends_with("heard GET / HTTP/1.1\r\n\r\n"), "{heard}");
    // A listed host, and a port of it that is not.
    let other = boxed.resolve("b.test").await.1.unwrap();
    assert_eq!(boxed.ask(other).await, "");
    // Addresses that stand for nothing.
    for nobody in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 64, 0, 9)] {
        assert_eq!(boxed.ask(nobody).await, "");
    }
    let port = boxed.port;
    assert_eq!(
        boxed.verdicts(),
        [
            (format!("a.test:{port}"), Verdict::Allowed),
            (format!("b.test:{port}"), Verdict::NotListed)
        ]
    );
}

#[tokio::test]
async fn a_name_that_is_not_listed_is_not_there_and_is_told_until_it_is_allowed() {
    let boxed = boxed(|_| Vec::new());
    for name in [
        "secret.closed.test",
        "localhost",
        "1.0.0.127.in-addr.arpa",
        "a b.test",
    ] {
        assert_eq!(boxed.resolve(name).await, (3, None), "{name}");
    }
    assert_eq!(
        boxed.verdicts(),
        [("secret.closed.test".to_owned(), Verdict::NotListed)]
    );
    boxed
        .proxy
        .allow(AllowList::parse(["*.closed.test"]).unwrap())
        .unwrap();
    let (code, address) = boxed.resolve("secret.closed.test").await;
    assert!(code == 0 && address.unwrap().is_loopback());
}

#[tokio::test]
async fn a_name_that_leads_into_the_machine_leads_nowhere() {
    // What is answered in the box says nothing of where a name leads, and what is connected to is looked at then.
    let boxed = boxed(|port| vec![format!("localhost:{port}")]);
    let (code, address) = boxed.resolve("localhost").await;
    assert_eq!((code, address), (0, Some(Ipv4Addr::new(127, 64, 0, 1))));
    assert_eq!(boxed.ask(address.unwrap()).await, "");
    let verdicts = boxed.verdicts();
    assert!(
        matches!(&verdicts[..], [(_, Verdict::NotPublic(address))] if address.is_loopback()),
        "{verdicts:?}"
    );
}

#[tokio::test]
async fn a_flood_of_questions_is_answered_in_its_time() {
    let boxed = boxed(|_| vec!["*.a.test".into()]);
    let flood = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let began = tokio::time::Instant::now();
    for n in 0..20 * crate::limits::DNS_BATCH {
        let question = crate::dns::tests::question(&format!("{n}.closed.test"), 1);
        let _ = flood.send_to(&question, boxed.names).await;
    }
    // What finds no place is lost, as datagrams are; who asks again is answered.
    let again = Duration::from_millis(50);
    while timeout(again, boxed.resolve("x.a.test")).await.is_err() {}
    // What has a place in the socket was answered first, with its rests.
    let answered = boxed.verdicts().len() / crate::limits::DNS_BATCH;
    assert!(began.elapsed() >= crate::limits::DNS_REST * answered as u32);
}
