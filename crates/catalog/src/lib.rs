//! Entries that describe MCP servers: parse, merge, validate.
//!
//! Owns what an [`Entry`] is and how the files of AI applications are read into entries ([`read_mcp_servers`]), what the
//! names, filters and variables in them mean, and what a person is told when something is wrong ([`Problem`]). Pure: it
//! opens no file and knows no environment. Refuses single entries, never a whole file for the sake of one.
//!
//! Read `entry` first, then `mcp_servers` and `reader`.

mod about;
mod approval;
mod boxing;
mod builtin;
mod bundle;
mod catalog;
mod configure;
mod describe;
pub mod document;
mod edit;
mod entry;
mod expand;
mod fields;
mod filter;
mod fingerprint;
mod import;
mod launch;
mod layer;
pub mod limits;
mod mcp_servers;
mod merge;
mod name;
mod origin;
mod places;
mod privileged;
mod problem;
mod profile;
mod read;
pub mod reader;
mod resolve;
mod schema;
mod secret;
mod shot;
mod suggest;
mod template;
mod write;

pub use about::{About, KnownTool, OAuth, SecretSpec, is_icon};
pub use approval::Concern;
pub use boxing::{Network, Resources, size_in_bytes};
pub use builtin::builtin;
pub use bundle::{BundleKind, BundleProgram, Manifest, Setting, USER_CONFIG};
pub use catalog::{Catalog, Catalogs, Shadowed};
pub use configure::{ConfigProblem, config_value, set_config_value};
pub use describe::{METADATA_LABEL, describe};
pub use edit::{Edited, edit_catalog};
pub use entry::{Entry, Share};
pub use expand::{ExpandError, Lookup, expand};
pub use filter::ToolFilter;
pub use fingerprint::fingerprint_of;
pub use import::{ImportFile, import};
pub use launch::{Launch, Registry, RemoteKind, shown_url};
pub use layer::Layer;
pub use mcp_servers::{read_mcp_servers, read_mcp_servers_with};
pub use merge::merge;
pub use name::{NameError, ServerName};
pub use origin::Origin;
pub use problem::{Level, Problem};
pub use profile::{Profile, ProfileServer};
pub use read::{Form, OWN_KEYS, read_catalog, read_docker_server, read_profile, recognise_catalog};
pub use resolve::Missing;
pub use secret::Secret;
pub use shot::{Aimed, Shot};
pub use suggest::suggest;
pub use template::TemplateError;
pub use write::{
    Artifact, catalog_artifact, catalog_json, entry_json, profile_artifact, write_catalog,
    write_profile,
};
