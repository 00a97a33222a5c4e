//! Start, limit, watch and stop MCP servers
