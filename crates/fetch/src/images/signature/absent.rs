//! Signatures without a key, in a build that does not verify them. Owns the word that says so; nobody is an [`Identity`] here.

use super::Notes;

/// Somebody whom an issuer knows. There is none in this build.
pub enum Identity {}

impl Identity {
    /// Nobody.
    ///
    /// # Errors
    /// Always, with the build that knows them.
    pub fn new(_identity: &str, _issuer: &str, _root: Option<&str>) -> Result<Self, String> {
        Err("this build of portolan verifies signatures by keys only; one that is built with the feature \"keyless\" verifies these, too: cargo install --locked --path crates/cli --features keyless".to_owned())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match *self {}
    }

    pub(super) fn has_made_bundle(&self, _bundle: &[u8], _digest: &str) -> Result<(), String> {
        match *self {}
    }

    pub(super) fn has_signed_payload(
        &self,
        _payload: &[u8],
        _signature: &str,
        _notes: &Notes,
    ) -> Result<(), String> {
        match *self {}
    }
}
