//! Secret references, stores, and types that cannot be printed.
//!
//! Owns what a secret is ([`Secret`]: no way to print it, one way to read it), where secrets lie ([`Store`], [`EnvFile`]),
//! what points to one ([`SecretRef`]) and how that is followed ([`Resolver`]), and how values that are known are found again
//! in what servers say ([`Masker`]), and such that only look like secrets ([`scan`]). Knows no folder, no environment and starts no program: it is given them. Refuses to
//! write over a store that it cannot read.
//!
//! Read `secret` first, then `store`, then `resolve`, then `mask`.

mod env_file;
pub mod limits;
mod mask;
mod name;
mod read;
mod reference;
mod resolve;
mod run;
mod scan;
mod secret;
mod store;
mod words;

pub use env_file::{EnvFile, EnvFileError};
pub use mask::{MASK, MaskError, MaskStream, Masker};
pub use name::{NameError, SecretName};
pub use reference::{Kind, Kinds, RefError, SecretRef};
pub use resolve::{EnvLookup, Named, ResolveError, Resolver};
pub use run::{RunError, Runner};
pub use scan::{Depth, Finding, rules as scan_rules, scan, without};
pub use secret::{Secret, ValueError};
pub use store::{Passphrase, Store, StoreError};
