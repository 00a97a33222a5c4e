use std::sync::Mutex;

use super::*;

fn addresses(list: &[&str]) -> VecDeque<SocketAddr> {
    list.iter()
        .map(|address| address.parse().unwrap())
        .collect()
}

#[test]
fn families_take_turns() {
    let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
    let sorted = in_turn(found.into_iter());
    assert_eq!(
        sorted,
        addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"])
    );
    let many = (1..100u8).map(|last| SocketAddr::from(([127, 0, 0, last], 1)));
    assert_eq!(in_turn(many).len(), ADDRESSES_MAX);
}

/// Says how long it took, which addresses were tried, and what came of it.
async fn race(
    list: &[&str],
    works: &'static str,
    hangs: &'static str,
) -> (Duration, Vec<String>, io::Result<String>) {
    let tried = Mutex::new(Vec::new());
    let begun = Instant::now();
    let done = first(addresses(list), |address| {
        tried.lock().unwrap().push(address.ip().to_string());
        async move {
            let ip = address.ip().to_string();
            if hangs.contains(&ip) {
                std::future::pending::<()>().await;
            }
            if works == ip {
                Ok(ip)
            } else {
                Err(io::Error::other(ip))
            }
        }
    })
    .await;
    (begun.elapsed(), tried.into_inner().unwrap(), done)
}

#[tokio::test(start_paused = true)]
async fn the_next_address_follows_a_failure_at_once() {
    let (took, tried, done) = race(&["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"], "2.2.2.2", "").await;
    assert_eq!((tried.len(), done.unwrap().as_str()), (2, "2.2.2.2"));
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_leads_nowhere_costs_a_head_start() {
    let (took, _, done) = race(&["1.1.1.1:1", "2.2.2.2:1"], "2.2.2.2", "1.1.1.1").await;
    assert_eq!(done.unwrap(), "2.2.2.2");
    assert!(
        took >= ADDRESS_HEAD_START && took < 2 * ADDRESS_HEAD_START,
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_told() {
    let (_, tried, done) = race(&["1.1.1.1:1", "2.2.2.2:1"], "", "").await;
    assert_eq!(tried.len(), 2);
    assert_eq!(done.unwrap_err().to_string(), "2.2.2.2");
    let (_, _, none) = race(&[], "", "").await;
    assert!(none.unwrap_err().to_string().contains("no address"));
}
