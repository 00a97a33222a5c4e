//! Stdio, streamable HTTP and HTTP+SSE, both ends
