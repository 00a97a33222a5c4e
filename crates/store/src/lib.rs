//! What outlives a process: one SQLite file
