//! What the gateway says of itself.

/// `Implementation` of the gateway, raw JSON.
pub(crate) fn info() -> &'static str {
    concat!(
        r#"{"name":"portolan","title":"Portolan","version":""#,
        env!("CARGO_PKG_VERSION"),
        r#""}"#
    )
}
