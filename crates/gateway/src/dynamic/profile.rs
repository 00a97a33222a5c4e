//! `mcp-create-profile` and `mcp-activate-profile`: the servers of a conversation under a name, and a name's servers in a
//! conversation. Saving approves nothing and stores no secret; what only the person may set is not saved for them, for they gave
//! it to one conversation. Activating is adding: what stands in a server's way is told, and that server is left out.

mod activate;
mod create;

pub(super) use activate::activate;
pub(super) use create::create;
