//! JSON-RPC and MCP messages of both protocol eras, as bytes that stay what they were
