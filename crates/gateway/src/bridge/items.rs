//! Tools as clients of the other era see them. Prompts, resources and templates are the same in both.

use std::borrow::Cow;

use wire::{Edits, Era, Object};

use crate::lists::Item;

/// Whether clients of this era can use a tool that was listed in the other one; else why not.
pub(crate) fn offers(clients: Era, tool: &Item) -> Result<(), &'static str> {
    match clients {
        Era::Stateless if wants_task(tool) => {
            Err("it runs only as a task of 2025-11-25, which stateless clients do not have")
        }
        _ => Ok(()),
    }
}

/// The tool as clients of this era see it: an `outputSchema` that is not of type object is left out before the handshake
/// era, whose clients refuse it.
pub(crate) fn shown(clients: Era, tool: &Item) -> Cow<'_, Item> {
    if clients == Era::Stateless || !tool.raw.contains("\"outputSchema\"") {
        return Cow::Borrowed(tool);
    }
    let Ok(object) = Object::parse(&tool.raw) else {
        return Cow::Borrowed(tool);
    };
    let schema = object.object("outputSchema");
    let is_object = |schema: &Object<'_>| matches!(schema.get("type"), Ok(Some(r#""object""#)));
    if matches!(&schema, Ok(Some(schema)) if is_object(schema)) {
        return Cow::Borrowed(tool);
    }
    let mut edits = Edits::new(&tool.raw);
    edits.remove(&object, "outputSchema");
    let raw = String::from_utf8(edits.apply().to_vec()).expect("edits of text give text");
    Cow::Owned(Item {
        raw: raw.into(),
        ..tool.clone()
    })
}

fn wants_task(tool: &Item) -> bool {
    tool.raw.contains("\"taskSupport\"")
        && Object::parse(&tool.raw).is_ok_and(|object| {
            let execution = object.object("execution").ok().flatten();
            let support = execution.and_then(|e| e.string("taskSupport").ok().flatten());
            support.as_deref() == Some("required")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(raw: &str) -> Item {
        Item {
            key: "t".into(),
            raw: raw.into(),
            mirrored: Vec::new(),
        }
    }

    #[test]
    fn tools_that_are_tasks_only_are_not_for_stateless_clients() {
        let required = tool(r#"{"name":"t","execution":{"taskSupport":"required"}}"#);
        assert!(offers(Era::Stateless, &required).is_err());
        assert!(offers(Era::Handshake, &required).is_ok());
        let optional = tool(r#"{"name":"t","execution":{"taskSupport":"optional"}}"#);
        assert!(offers(Era::Stateless, &optional).is_ok());
    }

    #[test]
    fn old_clients_do_not_see_output_that_is_no_object() {
        let list = tool(r#"{"name":"t","outputSchema":{"type":"array"},"x":1}"#);
        assert_eq!(&*shown(Era::Handshake, &list).raw, r#"{"name":"t","x":1}"#);
        assert_eq!(shown(Era::Stateless, &list).raw, list.raw);
        let object = tool(r#"{"name":"t","outputSchema":{"type":"object"}}"#);
        assert_eq!(shown(Era::Handshake, &object).raw, object.raw);
    }
}
