//! `tools/list` and its kin: one page of what all servers offer together.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use wire::{Era, method, quote};

use super::greeting::{cache_hints, server_info};
use crate::call::Call;
use crate::error::Fault;
use crate::lists::Kind;
use crate::upstream::Upstream;

/// One page of the list that was asked for.
pub(super) async fn page(call: &Call) -> Result<String, Fault> {
    let kind = match call.frame.method() {
        method::TOOLS_LIST => Kind::Tools,
        method::PROMPTS_LIST => Kind::Prompts,
        method::RESOURCES_LIST => Kind::Resources,
        _ => Kind::Templates,
    };
    let cursor = call
        .params()?
        .string("cursor")
        .map_err(|e| Fault::Params(e.to_string()))?;
    let number = cursor.as_deref().map_or(Ok(0), read_cursor)?;
    let giving = call.workspace.giving(kind, call.era);
    let side = call.side();
    call.core.first_lists(&side).await;
    if number == 0 {
        let upstreams = call.workspace.upstreams();
        let stale = upstreams.iter().filter(|upstream| {
            upstream.key.clients == call.era && upstream.era() == Era::Stateless
        });
        // A server that does not answer in time leaves its older lists.
        let all = join_all(stale.map(Upstream::freshen));
        let _ = tokio::time::timeout(call.core.settings.list_wait, all).await;
    }
    // What changes from here on is not in the answer, and told.
    drop(giving);
    let view = call.core.binding_view(&side);
    let pages = view.pages(kind);
    // The list has become shorter since the cursor was given: what follows is nothing.
    let items = pages.get(number).map_or("[]", |page| page);
    let next = if number + 1 < pages.len() {
        format!(r#","nextCursor":{}"#, quote(&write_cursor(number + 1)))
    } else {
        String::new()
    };
    let list = format!(r#""{}":{items}{next}"#, kind.member());
    Ok(match call.era {
        Era::Handshake => format!("{{{list}}}"),
        Era::Stateless => {
            let (ttl, scope) = cache_hints(&view);
            format!(
                r#"{{"resultType":"complete",{list},"ttlMs":{ttl},"cacheScope":"{scope}",{}}}"#,
                server_info()
            )
        }
    })
}

fn write_cursor(page: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("page {page}"))
}

fn read_cursor(cursor: &str) -> Result<usize, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let page = text
        .as_deref()
        .and_then(|text| text.strip_prefix("page "))
        .and_then(|page| page.parse().ok());
    page.ok_or_else(|| {
        Fault::Params("the cursor is not one of ours; list again without it".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_foreign_ones_are_refused() {
        assert_eq!(read_cursor(&write_cursor(3)).unwrap(), 3);
        for foreign in ["", "3", "page 3", "cGFnZSAtMQ"] {
            assert!(read_cursor(foreign).is_err(), "{foreign}");
        }
    }
}
