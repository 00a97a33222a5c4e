//! The pages of a registry (`/v0.1/servers` and `/v0/servers` of the official registry's API) as one document.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use crate::error::Why;
use crate::limits::{CURSOR_BYTES_MAX, PAGE_SERVERS, PAGES_BYTES_MAX, PAGES_MAX};

/// Whether a URL is that of a registry's list of servers.
pub(crate) fn is_registry(url: &Url) -> bool {
    let path = url.path().trim_end_matches('/');
    ["/v0/servers", "/v0.1/servers"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Pages that came so far.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// The servers, as the pages had them, with commas between.
    servers: String,
    pages: usize,
    count: usize,
    cursors: HashSet<String>,
    /// Whether there was more than is taken.
    pub(crate) is_cut: bool,
}

/// What comes after a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The page with this mark.
    Page(String),
    /// Nothing.
    End,
}

#[derive(Deserialize)]
struct Page<'t> {
    #[serde(borrow)]
    servers: Vec<&'t RawValue>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(rename = "nextCursor", alias = "next_cursor", default)]
    next_cursor: Option<String>,
}

impl Pages {
    /// Takes in a page.
    pub(crate) fn take(&mut self, text: &str) -> Result<Next, Why> {
        self.pages += 1;
        let page: Page<'_> = serde_json::from_str(text).map_err(|source| Why::Page {
            page: self.pages,
            source,
        })?;
        for server in page.servers {
            let server = server.get();
            if self.servers.len() + server.len() + 32 > PAGES_BYTES_MAX
                || self.count == catalog::limits::ENTRIES_MAX
            {
                self.is_cut = true;
                return Ok(Next::End);
            }
            if !self.servers.is_empty() {
                self.servers.push_str(",\n");
            }
            self.servers.push_str(server);
            self.count += 1;
        }
        let next = page.metadata.unwrap_or_default().next_cursor;
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(Next::End);
        };
        if self.pages == PAGES_MAX || next.len() > CURSOR_BYTES_MAX {
            self.is_cut = true;
            return Ok(Next::End);
        }
        match self.cursors.insert(next.clone()) {
            true => Ok(Next::Page(next)),
            false => Err(Why::Circle(self.pages)),
        }
    }

    /// How many servers there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// All of them as one page.
    pub(crate) fn text(&self) -> String {
        format!("{{\"servers\":[\n{}\n]}}\n", self.servers)
    }
}

/// The address of a page: of the first one without a mark. Asks for large pages and for the latest versions, unless the
/// address says otherwise.
pub(crate) fn page(url: &Url, cursor: Option<&str>) -> Url {
    let mut page = url.clone();
    let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| cursor.is_none() || key != "cursor")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    {
        let mut query = page.query_pairs_mut();
        query.clear().extend_pairs(&kept);
        if !has("limit") {
            query.append_pair("limit", &PAGE_SERVERS.to_string());
        }
        if !has("version") {
            query.append_pair("version", "latest");
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_registry_is_known_by_its_path() {
        for is in [
            "https://r/v0/servers",
            "https://r/v0.1/servers/?search=x",
            "https://r/api/v0.1/servers",
        ] {
            assert!(is_registry(&url(is)), "{is}");
        }
        for not in [
            "https://r/servers",
            "https://r/v0.1/servers/a%2Fb",
            "https://r/?/v0/servers",
            "https://r/xv0/servers",
        ] {
            assert!(!is_registry(&url(not)), "{not}");
        }
    }

    #[test]
    fn pages_are_asked_for_one_after_the_other() {
        let first = page(&url("https://r/v0.1/servers?search=a%20b"), None);
        assert_eq!(first.query(), Some("search=a+b&limit=100&version=latest"));
        let own = url("https://r/v0/servers?limit=5&version=1&cursor=old");
        assert_eq!(page(&own, None).query(), own.query());
        assert_eq!(
            page(&own, Some("n/1&x")).query(),
            Some("limit=5&version=1&cursor=n%2F1%26x")
        );
    }

    #[test]
    fn pages_become_one_and_lead_to_the_next() {
        let mut pages = Pages::default();
        let next = pages.take(
            r#"{"servers": [{"a": 1}, {"b": 2}], "metadata": {"nextCursor": "x", "count": 2}}"#,
        );
        assert_eq!(next.unwrap(), Next::Page("x".into()));
        let next = pages.take(r#"{"servers": [{"c": 3}], "metadata": {"next_cursor": "y"}}"#);
        assert_eq!(next.unwrap(), Next::Page("y".into()));
        assert_eq!(
            pages
                .take(r#"{"servers": [], "metadata": {"nextCursor": ""}}"#)
                .unwrap(),
            Next::End
        );
        let all: serde_json::Value = serde_json::from_str(&pages.text()).unwrap();
        assert_eq!(
            all,
            serde_json::json!({"servers": [{"a": 1}, {"b": 2}, {"c": 3}]})
        );
        assert_eq!((pages.count(), pages.is_cut), (3, false));
        assert_eq!(pages.take(r#"{"servers": []}"#).unwrap(), Next::End);
    }

    #[test]
    fn pages_that_do_not_end_are_left() {
        let mut pages = Pages::default();
        let text = r#"{"servers": [], "metadata": {"nextCursor": "same"}}"#;
        assert!(matches!(pages.take(text), Ok(Next::Page(_))));
        assert!(matches!(pages.take(text), Err(Why::Circle(2))));
        let mut pages = Pages::default();
        for at in 1..PAGES_MAX {
            let text = format!(r#"{{"servers": [{{}}], "metadata": {{"nextCursor": "{at}"}}}}"#);
            assert!(matches!(pages.take(&text), Ok(Next::Page(_))));
        }
        assert_eq!(
            pages
                .take(r#"{"servers": [], "metadata": {"nextCursor": "z"}}"#)
                .unwrap(),
            Next::End
        );
        assert!(pages.is_cut);
        let mut pages = Pages::default();
        let long = "c".repeat(CURSOR_BYTES_MAX + 1);
        let text = format!(r#"{{"servers": [{{}}], "metadata": {{"nextCursor": "{long}"}}}}"#);
        assert_eq!(pages.take(&text).unwrap(), Next::End);
        assert!(pages.is_cut);
        assert!(matches!(
            Pages::default().take("{}"),
            Err(Why::Page { page: 1, .. })
        ));
    }

    #[test]
    fn servers_beyond_what_is_read_are_cut() {
        let mut pages = Pages::default();
        let large = format!("\"{}\"", "x".repeat(PAGES_BYTES_MAX / 2));
        let text =
            format!(r#"{{"servers": [{large}, {large}], "metadata": {{"nextCursor": "n"}}}}"#);
        assert_eq!(pages.take(&text).unwrap(), Next::End);
        assert_eq!((pages.count(), pages.is_cut), (1, true));
        assert!(pages.text().len() <= PAGES_BYTES_MAX);
    }
}
