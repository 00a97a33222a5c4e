//! Entries that describe MCP servers: parse, merge, validate
