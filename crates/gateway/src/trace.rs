//! W3C trace context in `_meta` (SEP-414): a request that carries `traceparent` leaves with our span as its parent.

use std::cell::Cell;

/// The trace of one call.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// 32 hexadecimal digits.
    pub(crate) id: Box<str>,
    flags: Box<str>,
}

impl Trace {
    /// Reads `traceparent`; none if it is malformed (then it passes unchanged).
    pub(crate) fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, length: usize| {
            text.len() == length
                && text
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let is_good = version == "00"
            && parts.next().is_none()
            && is_hex(id, 32)
            && is_hex(parent, 16)
            && is_hex(flags, 2)
            && id.bytes().any(|b| b != b'0');
        is_good.then(|| Self {
            id: id.into(),
            flags: flags.into(),
        })
    }

    /// The header that names `span` as the parent.
    pub(crate) fn with_span(&self, span: u64) -> String {
        format!("00-{}-{span:016x}-{}", self.id, self.flags)
    }
}

/// A new span id: unique enough for tracing, never zero, no secret.
pub(crate) fn new_span() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(0) };
    }
    STATE.with(|state| {
        let mut x = state.get();
        if x == 0 {
            x = getrandom::u64().unwrap_or(0x9e37_79b9_7f4a_7c15) | 1;
        }
        // xorshift64*
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_goes_on_with_our_span() {
        let trace =
            Trace::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!(
            trace.with_span(7),
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01"
        );
    }

    #[test]
    fn what_is_malformed_is_left_alone() {
        for text in [
            "",
            "00-x-y-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(Trace::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn spans_differ() {
        assert_ne!(new_span(), new_span());
    }
}
