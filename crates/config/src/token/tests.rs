//! Tokens on a real disk.
