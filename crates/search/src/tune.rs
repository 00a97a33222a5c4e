//! Temporary: knobs from the environment.
use std::collections::HashMap;
use std::sync::OnceLock;
pub(crate) fn t(name: &str, default: f32) -> f32 {
    static MAP: OnceLock<HashMap<String, f32>> = OnceLock::new();
    #[allow(clippy::disallowed_methods)]
    let map = MAP.get_or_init(|| {
        std::env::var("PT").unwrap_or_default().split(',').filter_map(|kv| {
            let (k, v) = kv.split_once('=')?;
            Some((k.to_owned(), v.parse().ok()?))
        }).collect()
    });
    map.get(name).copied().unwrap_or(default)
}

#[allow(clippy::disallowed_methods)]
pub(crate) fn files(a: &'static str, b: &'static str) -> (&'static str, &'static str) {
    match std::env::var("PTLEX") {
        Ok(dir) => {
            let read = |n: &str| -> &'static str { Box::leak(std::fs::read_to_string(format!("{dir}/{n}")).unwrap().into_boxed_str()) };
            (read("thesaurus.txt"), read("bridge.txt"))
        }
        Err(_) => (a, b),
    }
}

#[allow(clippy::disallowed_methods)]
pub(crate) fn file(n: &str, d: &'static str) -> &'static str {
    match std::env::var("PTLEX") {
        Ok(dir) => Box::leak(std::fs::read_to_string(format!("{dir}/{n}")).unwrap().into_boxed_str()),
        Err(_) => d,
    }
}
