//! The error codes of JSON-RPC and MCP, and the HTTP status each travels with in the stateless era.
//!
//! Refuses: codes of our own making; those would have to lie outside -32768..-32000. Read next: `build.rs`.

/// The bytes are not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON, but not a JSON-RPC message that we accept.
pub const INVALID_REQUEST: i64 = -32600;
/// Nobody here knows the method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The method is known, its parameters are wrong.
pub const INVALID_PARAMS: i64 = -32602;
/// Something broke on our side.
pub const INTERNAL_ERROR: i64 = -32603;
/// A resource that does not exist. Handshake era only; the stateless era says [`INVALID_PARAMS`].
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// A header and the body disagree. Stateless era only.
pub const HEADER_MISMATCH: i64 = -32020;
/// The request needs a capability that the client did not declare. Stateless era only.
pub const MISSING_CAPABILITY: i64 = -32021;
/// The protocol revision is not spoken here. Stateless era only.
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// The person must visit a URL first. 2025-11-25 only.
pub const URL_ELICITATION_REQUIRED: i64 = -32042;

/// An error code as it stands in a message. Readers that know one kind of number take `-32002.0` for `-32002`.
#[must_use]
pub fn read(raw: &str) -> Option<i64> {
    raw.parse().ok().or_else(|| {
        let number: f64 = raw.parse().ok()?;
        let is_whole = number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX);
        is_whole.then_some(number as i64)
    })
}

/// The HTTP status with which a stateless-era answer with this error code travels.
#[must_use]
pub const fn http_status(code: i64) -> u16 {
    match code {
        METHOD_NOT_FOUND => 404,
        PARSE_ERROR | INVALID_REQUEST | HEADER_MISMATCH | MISSING_CAPABILITY
        | UNSUPPORTED_VERSION => 400,
        _ => 200,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_written() {
        for raw in ["-32002", "-32002.0", "-32002e0", "-3.2002E4"] {
            assert_eq!(read(raw), Some(-32002), "{raw}");
        }
        for raw in ["-32002.5", "1e300", "\"-32002\"", "null", "{}"] {
            assert_eq!(read(raw), None, "{raw}");
        }
    }

    #[test]
    fn status_table() {
        assert_eq!(http_status(METHOD_NOT_FOUND), 404);
        for code in [
            PARSE_ERROR,
            INVALID_REQUEST,
            HEADER_MISMATCH,
            MISSING_CAPABILITY,
            UNSUPPORTED_VERSION,
        ] {
            assert_eq!(http_status(code), 400);
        }
        for code in [
            INVALID_PARAMS,
            INTERNAL_ERROR,
            RESOURCE_NOT_FOUND,
            URL_ELICITATION_REQUIRED,
            0,
            1,
            i64::MIN,
        ] {
            assert_eq!(http_status(code), 200);
        }
    }
}
