//! The way out of a box, used by real programs: what is listed is reached, and nothing else is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

use catalog::{Entry, Network};
use portolan_launch::sandbox::SandboxLauncher;
use portolan_launch::{Launcher, Link, Process};

use super::{am_root, as_anybody, entry, has_namespaces, launcher, line};

#[tokio::test]
async fn made_by_us() {
    all(&launcher()).await;
}

#[test]
fn made_by_anybody() {
    if am_root() {
        as_anybody("sandbox::network::by_anybody");
    }
}

#[tokio::test]
#[ignore = "started as an ordinary user by `made_by_anybody`"]
async fn by_anybody() {
    all(&launcher()).await;
}

async fn all(launcher: &SandboxLauncher) {
    if has_namespaces(launcher) {
        listed_hosts_are_reached_and_others_are_not(launcher).await;
        programs_that_know_no_proxy_reach_listed_hosts(launcher).await;
        a_refused_host_is_named_and_can_be_allowed_meanwhile(launcher).await;
        an_open_network_is_the_machines(launcher).await;
    }
}

/// A web server of this machine that says the same to everybody.
fn web_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome",
            );
        }
    });
    address
}

fn with_hosts(mut entry: Entry, hosts: &[String]) -> Entry {
    entry.network = Network::Hosts(hosts.to_vec());
    entry
}

/// What Python's own HTTP client gets, by the usual variables; a tunnel; and the same past the proxy.
const CLIENT: &str = r"
import http.client, os, socket, sys, urllib.request
port = sys.argv[1]
for url in ('http://allowed.test/', 'http://other.test/', 'http://127.0.0.1.nip.test/', 'http://meta.test/'):
    try:
        print(url, urllib.request.urlopen(url, timeout=20).read().decode())
    except Exception as error:
        print(url, error)
for name, number in (('allowed.test', 80), ('other.test', 443)):
    host = f'{name}:{number}'
    try:
        way = http.client.HTTPConnection('127.0.0.1', 3128, timeout=20)
        way.set_tunnel(name, number)
        way.request('GET', '/')
        print(host, way.getresponse().read().decode())
    except Exception as error:
        print(host, error)
try:
    socket.create_connection(('127.0.0.1', int(port)), 5); print('past the proxy')
except OSError as error:
    print('closed')
print(os.environ['HTTPS_PROXY'], os.environ['no_proxy'])
";

async fn listed_hosts_are_reached_and_others_are_not(launcher: &SandboxLauncher) {
    let address = web_server();
    let port = address.port().to_string();
    let hosts = [format!("allowed.test:80={address}")];
    let client = with_hosts(entry("/usr/bin/python3", &["-c", CLIENT, &port]), &hosts);
    assert_eq!(launcher.refuses(&client), None);
    let launched = match launcher.launch(&client).await {
        Ok(launched) => launched,
        Err(error) => panic!("{error}"),
    };
    let (Link::Pipe(mut pipe), Some(process)) = (launched.link, launched.process) else {
        panic!("a program has pipes and a process");
    };
    let mut lines = Vec::new();
    while let Some(line) = line(&mut pipe).await {
        lines.push(line);
    }
    let refused = "403 not in the list of hosts that this server may reach";
    assert_eq!(
        lines,
        [
            "http://allowed.test/ welcome".to_owned(),
            format!(
                "http://other.test/ HTTP Error {}",
                refused.replacen(' ', ": ", 1)
            ),
            format!(
                "http://127.0.0.1.nip.test/ HTTP Error {}",
                refused.replacen(' ', ": ", 1)
            ),
            format!(
                "http://meta.test/ HTTP Error {}",
                refused.replacen(' ', ": ", 1)
            ),
            "allowed.test:80 welcome".to_owned(),
            format!("other.test:443 Tunnel connection failed: {refused}"),
            "closed".to_owned(),
            "http://127.0.0.1:3128 localhost,127.0.0.1,::1".to_owned(),
        ],
        "{:?}",
        process.stderr_tail(20)
    );
    let told = process.stderr_tail(20).join("\n");
    assert!(
        told.contains("portolan: \"allowed.test:80\" was reached"),
        "{told}"
    );
    assert!(
        told.contains("to allow it: portolan server allow test other.test"),
        "{told}"
    );
}

/// Looks names up by the system's resolver and connects to what it hears, without any proxy.
const PLAIN: &str = r"
import os, socket, sys
for name in list(os.environ):
    if name.lower().endswith('_proxy'): del os.environ[name]
for host, port in (target.rsplit(':', 1) for target in sys.argv[1:]):
    try:
        with socket.create_connection((host, int(port)), 20) as way:
            way.settimeout(20)
            way.sendall(b'GET / HTTP/1.0\r\n\r\n')
            print(host, port, way.recv(4096).decode().rpartition('\r\n')[2] or 'silence')
    except socket.gaierror:
        print(host, port, 'unknown')
    except ConnectionResetError:
        # Closed before what was said was read.
        print(host, port, 'silence')
    except OSError as error:
        print(host, port, type(error).__name__)
";

async fn heard(launcher: &SandboxLauncher, client: &Entry) -> (Vec<String>, Process) {
    let launched = match launcher.launch(client).await {
        Ok(launched) => launched,
        Err(error) => panic!("{error}"),
    };
    let (Link::Pipe(mut pipe), Some(process)) = (launched.link, launched.process) else {
        panic!("a program has pipes and a process");
    };
    let mut lines = Vec::new();
    while let Some(line) = line(&mut pipe).await {
        lines.push(line);
    }
    (lines, process)
}

async fn programs_that_know_no_proxy_reach_listed_hosts(launcher: &SandboxLauncher) {
    let address = web_server();
    let hosts = [
        format!("*.allowed.test:80={address}"),
        format!("db.test:5432={address}"),
        // Two names for the same place, and one that leads into the machine by DNS alone.
        format!("other.test:9999={address}"),
        "localhost:80".to_owned(),
    ];
    let targets = [
        "x.allowed.test:80",
        "db.test:5432",
        "db.test:80",
        "db.test:22",
        "allowed.test:80",
        "closed.test:443",
        "11.64.9.9:80",
        "127.0.0.1:80",
    ];
    let client = with_hosts(
        entry("/usr/bin/python3", &[&["-c", PLAIN], &targets[..]].concat()),
        &hosts,
    );
    let began = Instant::now();
    let (lines, process) = heard(launcher, &client).await;
    assert_eq!(
        lines,
        [
            "x.allowed.test 80 welcome",
            "db.test 5432 welcome",
            // Somebody is there for another name with this port, and nobody for that one.
            "db.test 80 silence",
            "db.test 22 ConnectionRefusedError",
            "allowed.test 80 unknown",
            "closed.test 443 unknown",
            "11.64.9.9 80 silence",
            "127.0.0.1 80 silence",
        ],
        "{:?}",
        process.stderr_tail(20)
    );
    let refused: Vec<String> = process
        .refused(began)
        .into_iter()
        .map(|refused| refused.host)
        .collect();
    assert_eq!(refused, ["db.test", "allowed.test", "closed.test"]);
}

async fn a_refused_host_is_named_and_can_be_allowed_meanwhile(launcher: &SandboxLauncher) {
    let script = "import socket, sys
def known():
    try: return socket.gethostbyname('later.test')
    except OSError: return 'unknown'
print(known(), flush=True); sys.stdin.readline(); print(known(), flush=True)
";
    let client = entry("/usr/bin/python3", &["-c", script]);
    let began = Instant::now();
    let Ok(launched) = launcher.launch(&client).await else {
        panic!("it does not start");
    };
    let (Link::Pipe(mut pipe), Some(process)) = (launched.link, launched.process) else {
        panic!("a program has pipes and a process");
    };
    assert_eq!(line(&mut pipe).await.unwrap(), "unknown");
    let refused = process.refused(began);
    assert_eq!((refused.len(), &*refused[0].host), (1, "later.test"));
    process.allow(&refused[0].host).unwrap();
    assert!(process.refused(began).is_empty());
    pipe.sink.close();
    assert_eq!(line(&mut pipe).await.unwrap(), "11.64.0.1");
}

async fn an_open_network_is_the_machines(launcher: &SandboxLauncher) {
    let address = web_server();
    let target = address.to_string();
    let mut client = entry("/usr/bin/python3", &["-c", PLAIN, &target]);
    client.network = Network::Open;
    let (lines, _) = heard(launcher, &client).await;
    assert_eq!(lines, [format!("127.0.0.1 {} welcome", address.port())]);
}
