//! The JSON Schema of `config.toml`, for editors. It is written by hand, where a person can read it, and a test keeps its
//! keys and limits in agreement with ours.

/// The schema, as it ships in `schemas/config.schema.json`.
pub fn schema() -> &'static str {
    include_str!("../../../schemas/config.schema.json")
}

#[cfg(test)]
mod tests;
