//! Portolan's own files, environment and directories.
//!
//! Owns where everything lies ([`Dirs`]), the one list of environment variables ([`env::VARIABLES`]), what can be set and
//! who set it ([`Settings`]), how all of it is read into one picture ([`load`]), the bearer token ([`token`]), and the
//! registry of running gateways ([`running`]). Knows what the files say, not what is done with it. Refuses nothing but the
//! one thing that is wrong: a bad line is a [`catalog::Problem`] with its position, and the rest still counts.
//!
//! Read `settings` first, then `load`.

mod auth;
pub mod callers;
mod catalogs;
mod dirs;
mod docker;
mod docker_files;
mod dump;
mod edit;
pub mod env;
mod fetched;
mod files;
mod format;
mod interceptors;
pub mod limits;
mod load;
mod policy;
mod profiles;
mod project;
mod reach;
pub mod running;
mod schema;
mod server_config;
mod settings;
mod table;
pub mod token;
mod toml_file;

pub use auth::AuthSettings;
pub use catalogs::{
    Changed, catalog_file, change_catalog, fork_catalog, import_files, load_catalogs,
    remove_catalog, save_catalog,
};
pub use dirs::{Dirs, DirsError};
pub use docker::{Login, login as docker_login, plugins as docker_plugins};
pub use docker_files::{Registered, docker_file, docker_registry, docker_tools};
pub use dump::{Dump, dump, restore, set_aside};
pub use edit::set_in_file;
pub use env::Env;
pub use fetched::{Fetched, fetched, keep_fetched};
pub use files::{private_dir, read_bounded, write_atomic};
pub use format::{Format, recognise};
pub use interceptors::{How, Interceptor};
pub use load::{Loaded, Sources, load, load_text};
pub use profiles::{
    change_profile, load_profile, profile_file, profile_names, remove_profile, touch_profile,
};
pub use reach::{Reach, Reaches, change_reaches, load_reaches};
pub use schema::schema;
pub use server_config::{
    ServerConfig, change_server_config, load_server_config, read_server_config,
};
pub use settings::{
    Key, Kind, LogFormat, Origin, Pin, Pull, Runtime, SecretScan, Settings, Transport,
};
pub use token::Token;
pub use toml_file::read as read_toml;
