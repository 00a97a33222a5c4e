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
