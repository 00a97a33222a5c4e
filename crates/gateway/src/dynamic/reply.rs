//! What one of our tools answers: text for whoever reads, the same facts as structure.

use serde_json::{Value, json};
use wire::{Era, meta, quote};

use crate::about;
use crate::scripts::Ran;

/// See the module.
#[derive(Debug)]
pub(super) struct Reply {
    text: String,
    /// Raw JSON.
    facts: Option<String>,
    is_error: bool,
}

impl Reply {
    pub(super) fn new(text: impl Into<String>, facts: Value) -> Self {
        Self {
            text: text.into(),
            facts: Some(facts.to_string()),
            is_error: false,
        }
    }

    /// With facts that are JSON already.
    pub(super) fn of_raw(text: String, facts: String) -> Self {
        Self {
            text,
            facts: Some(facts),
            is_error: false,
        }
    }

    /// What came of a script.
    pub(super) fn ran(ran: Ran) -> Self {
        Self {
            text: ran.text,
            facts: Some(Box::<str>::from(ran.facts).into()),
            is_error: !ran.is_ok,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// It did not work: why, and what to do.
    pub(super) fn error(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            facts: None,
            is_error: true,
        }
    }

    /// The same with what is known of it.
    pub(super) fn with(self, facts: Value) -> Self {
        Self {
            facts: Some(facts.to_string()),
            ..self
        }
    }

    /// The result of the call.
    pub(super) fn raw(&self, era: Era) -> String {
        let content = json!([{"type": "text", "text": self.text}]);
        let kind = match era {
            Era::Handshake => "",
            Era::Stateless => r#""resultType":"complete","#,
        };
        let facts = match &self.facts {
            Some(facts) => format!(r#","structuredContent":{facts}"#),
            None => String::new(),
        };
        let error = if self.is_error {
            r#","isError":true"#
        } else {
            ""
        };
        let meta = match era {
            Era::Handshake => String::new(),
            Era::Stateless => format!(
                r#","_meta":{{{}:{}}}"#,
                quote(meta::SERVER_INFO),
                about::info()
            ),
        };
        format!(r#"{{{kind}"content":{content}{facts}{error}{meta}}}"#)
    }
}
