//! The registry on a real disk.
