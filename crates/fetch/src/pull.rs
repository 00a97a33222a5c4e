//! Catalogs at addresses. Owns what makes one of what was fetched: the pages of a registry, a name, and an origin that no text
//! can change. What such a catalog may not bring along is decided in `catalog` (`Entry::refusals`, `Entry::concerns`).

use catalog::{Catalog, ImportFile, Origin, Problem, ServerName};
use tokio::time::timeout;
use url::Url;

use crate::client::{Client, Document, Trust};
use crate::error::{FetchError, Why, shown};
use crate::limits::PULL_TIME;
use crate::registry::{self, Next, Pages, is_registry};
use crate::target::Target;

/// A catalog that was fetched.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// What it holds, each entry with the address as its origin, and what is wrong with it.
    pub catalog: Catalog,
    /// Its text, pages as one, from which [`read_pulled`] makes the same again.
    pub text: String,
}

/// Fetches a catalog of any form that is read from files. Of a registry's list of servers all pages are followed.
///
/// # Errors
/// What was not fetched, or is no text at all. A text in which no catalog can be seen is a catalog without entries whose
/// problems say so.
pub async fn pull(client: &Client, url: &str, trust: Trust) -> Result<Pulled, FetchError> {
    let target = Target::given(url, trust).map_err(|why| FetchError::new(url, why))?;
    let all = async {
        match is_registry(&target.url) {
            true => pull_registry(client, &target.url, trust).await,
            false => {
                let document = client.get(url, trust).await?;
                Ok((text(url, document)?, None))
            }
        }
    };
    let (text, problem) = match timeout(PULL_TIME, all).await {
        Ok(pulled) => pulled?,
        Err(_) => return Err(FetchError::new(url, Why::Slow(PULL_TIME))),
    };
    let address = url.to_owned();
    // Megabytes of text take as long as many calls.
    let reading = tokio::task::spawn_blocking(move || (read_pulled(&address, &text), text)).await;
    let (mut catalog, text) = reading.map_err(|_| FetchError::new(url, Why::Unreadable))?;
    catalog.problems.extend(problem);
    Ok(Pulled { catalog, text })
}

/// Makes a catalog of a text that came from this address.
#[must_use]
pub fn read_pulled(url: &str, text: &str) -> Catalog {
    let parsed = Url::parse(url).ok();
    let origin = match parsed.as_ref().is_some_and(is_registry) {
        true => Origin::Registry(url.into()),
        false => Origin::Url(url.into()),
    };
    let name = parsed.as_ref().and_then(name);
    let file = ImportFile {
        path: shown(url),
        text: text.to_owned(),
    };
    let name = name.as_ref().map_or("catalog", ServerName::as_str);
    catalog::import(name, &[file], &origin)
}

/// Whether an address that a person gives can be one of a catalog, and what the catalog is called.
///
/// # Errors
/// What is wrong with it, before anything is fetched.
pub fn check_address(url: &str) -> Result<Option<ServerName>, FetchError> {
    let target = Target::given(url, Trust::Person).map_err(|why| FetchError::new(url, why))?;
    Ok(name(&target.url))
}

/// As the file is called; a registry, and what has no file, as its host.
fn name(url: &Url) -> Option<ServerName> {
    let last = url.path_segments().and_then(|mut steps| steps.next_back());
    let stem = last
        .filter(|_| !is_registry(url))
        .map(|last| last.rsplit_once('.').map_or(last, |(stem, _)| stem));
    stem.and_then(ServerName::repaired)
        .or_else(|| ServerName::repaired(url.host_str()?))
}

async fn pull_registry(
    client: &Client,
    url: &Url,
    trust: Trust,
) -> Result<(String, Option<Problem>), FetchError> {
    let failed = |why| FetchError::new(url.as_str(), why);
    let mut pages = Pages::default();
    let mut cursor = None;
    loop {
        let page = registry::page(url, cursor.as_deref());
        let document = client.get(page.as_str(), trust).await?;
        let text = text(url.as_str(), document)?;
        match pages.take(&text).map_err(failed)? {
            Next::Page(next) => cursor = Some(next),
            Next::End => break,
        }
    }
    let problem = pages.is_cut.then(|| {
        let message = format!(
            "the registry has more servers than are read; these are the first {}",
            pages.count()
        );
        Problem::warning(shown(url.as_str()), message).hint("name fewer, with ?search=WORD")
    });
    Ok((pages.text(), problem))
}

fn text(url: &str, document: Document) -> Result<String, FetchError> {
    let failed = |why| FetchError::new(url, why).at(&document.url);
    let text = String::from_utf8(document.body).map_err(|_| failed(Why::NotText))?;
    // Neither JSON nor YAML of ours begins so.
    match text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
    {
        true => Err(failed(Why::WebPage)),
        false => Ok(text),
    }
}
