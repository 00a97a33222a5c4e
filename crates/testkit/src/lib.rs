//! Real MCP servers and clients to test against; never shipped
