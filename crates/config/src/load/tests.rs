//! Whole configurations on a real disk.
