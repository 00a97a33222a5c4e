//! The schema says what the code does.
