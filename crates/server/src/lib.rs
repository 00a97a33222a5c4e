//! The HTTP front door: MCP endpoint, admin socket, health and metrics
