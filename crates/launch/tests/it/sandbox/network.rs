//! The way out of a box, used by real programs: what is listed is reached, and nothing else is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use catalog::{Entry, Network};
use portolan_launch::sandbox::SandboxLauncher;
use portolan_launch::{Launcher, Link};

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
        told.contains("add \"other.test:443\" to `network` in servers.json"),
        "{told}"
    );
}
