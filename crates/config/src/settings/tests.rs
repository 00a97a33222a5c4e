//! The table of settings.
