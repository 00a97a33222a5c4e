//! What has been observed of tools that do not declare their results, and schemas in the form they are checked in.
//!
//! Shared by all runs of a gateway. What is learnt holds for one origin of a tool (see [`Tool::origin`]) only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gateway::scripts::Tool;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::declare::Gives;
use crate::limits::{SHAPE_BYTES_MAX, SHAPE_SAMPLES_MAX, SHAPES_MAX, SIGNATURE_BYTES_MAX};
use crate::shape::Shape;
use crate::typescript::{Style, type_of};

/// Shapes by tool.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    known: Mutex<HashMap<Key, Known>>,
}

type Key = (String, String, String);

#[derive(Debug, Clone)]
struct Known {
    shape: Shape,
    samples: u32,
}

impl Shapes {
    /// What this tool gives, as far as it is known.
    pub(crate) fn gives(&self, tool: &Tool) -> Gives {
        if let Some(output) = &tool.output {
            return Gives::Declared(type_of(output, Style::compact(SIGNATURE_BYTES_MAX / 2)));
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&key(tool)) {
            Some(known) => Gives::Observed(known.shape.typescript(SIGNATURE_BYTES_MAX / 2)),
            None => Gives::Unknown,
        }
    }

    /// Learns from a result that a script got.
    pub(crate) fn learn(&self, tool: &Tool, value: &RawValue) {
        if tool.output.is_some() || value.get().len() > SHAPE_BYTES_MAX {
            return;
        }
        let key = key(tool);
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known
                .get(&key)
                .is_some_and(|known| known.samples >= SHAPE_SAMPLES_MAX)
            {
                return;
            }
        }
        let Ok(value) = serde_json::from_str::<Value>(value.get()) else {
            return;
        };
        let shape = Shape::of(&value);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(&key) {
            Some(known) => {
                known.shape.merge(shape);
                known.samples += 1;
            }
            None => {
                // Whoever has thousands of tools learns the common ones again soon.
                if known.len() >= SHAPES_MAX {
                    known.clear();
                }
                known.insert(key, Known { shape, samples: 1 });
            }
        }
    }
}

fn key(tool: &Tool) -> Key {
    (tool.origin.clone(), tool.server.clone(), tool.name.clone())
}

/// A tool without an output schema, for tests of this crate.
#[cfg(test)]
pub(crate) fn plain_tool(name: &str) -> std::sync::Arc<Tool> {
    std::sync::Arc::new(Tool {
        server: "s".into(),
        name: name.into(),
        origin: "1".into(),
        description: String::new(),
        input: std::sync::Arc::new(serde_json::json!({"type": "object"})),
        output: None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_one_origin_gave_is_not_said_of_another() {
        let shapes = Shapes::default();
        let tool = plain_tool("a");
        assert_eq!(shapes.gives(&tool), Gives::Unknown);
        shapes.learn(&tool, &raw(r#"{"a": 1}"#));
        shapes.learn(&tool, &raw(r#"{"a": null}"#));
        assert_eq!(
            shapes.gives(&tool),
            Gives::Observed("{a: number | null}".into())
        );
        let other = Tool {
            origin: "2".into(),
            ..(*tool).clone()
        };
        assert_eq!(shapes.gives(&other), Gives::Unknown);
    }

    #[test]
    fn a_declared_result_is_not_observed() {
        let shapes = Shapes::default();
        let tool = Tool {
            output: Some(Arc::new(
                serde_json::json!({"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}),
            )),
            ..(*plain_tool("a")).clone()
        };
        shapes.learn(&tool, &raw("[]"));
        assert_eq!(shapes.gives(&tool), Gives::Declared("{n: number}".into()));
    }

    #[test]
    fn how_much_is_remembered_has_a_limit() {
        let shapes = Shapes::default();
        for number in 0..=SHAPES_MAX {
            shapes.learn(&plain_tool(&number.to_string()), &raw("1"));
        }
        assert_eq!(shapes.known.lock().unwrap().len(), 1);
        let tool = plain_tool("many");
        for _ in 0..SHAPE_SAMPLES_MAX {
            shapes.learn(&tool, &raw("1"));
        }
        shapes.learn(&tool, &raw("\"late\""));
        assert_eq!(shapes.gives(&tool), Gives::Observed("number".into()));
        let large = plain_tool("large");
        shapes.learn(
            &large,
            &raw(&format!("\"{}\"", "x".repeat(SHAPE_BYTES_MAX))),
        );
        assert_eq!(shapes.gives(&large), Gives::Unknown);
    }
}
