//! One-shot tools of our own form: what each call runs.

use super::entry::plain;
use crate::Shot;
use crate::fields::Fields;

/// `one_shot`: a list of `{tool, image, args, volumes, user}`, whose templates are filled in by the arguments of a call.
pub(super) fn shots(fields: &mut Fields<'_>) -> Option<Vec<Shot>> {
    let (key, node) = fields.get(&["one_shot"])?;
    let Some(items) = node.list().filter(|items| !items.is_empty()) else {
        fields.wrong(key, node, "a list of tools and what they run");
        return None;
    };
    let mut out: Vec<Shot> = Vec::new();
    for item in items {
        let Some(pairs) = item.table() else {
            let hint = "write {tool: NAME, image: …, args: […]}";
            fields.error(item.start, "each of `one_shot` must be a table", hint);
            continue;
        };
        let about = format!("{}one-shot tool: ", fields.about);
        let mut inner = Fields::new(fields.doc, about, pairs, None, false);
        let (tool, image) = (plain(&mut inner, "tool"), plain(&mut inner, "image"));
        let is_image =
            |image: &String| !image.starts_with('-') && !image.contains(char::is_whitespace);
        let user = inner.get(&["user"]);
        match (tool, image.filter(is_image)) {
            (Some(tool), Some(image)) if out.iter().all(|shot| *shot.tool != *tool) => {
                out.push(Shot {
                    tool: tool.into(),
                    image,
                    command: inner.templates(&["args"], ""),
                    volumes: inner.templates(&["volumes"], ""),
                    user: user.and_then(|(_, node)| inner.template("`user`", node, "")),
                });
            }
            (Some(_), Some(_)) => {
                inner.error(item.start, "there are two of one name", "keep one of them");
            }
            _ => {
                inner.error(
                    item.start,
                    "it needs `tool`, its name, and `image`, the image that a call runs",
                    "add them",
                );
            }
        }
        for key in inner.unread() {
            let message = format!("`{}` is no key of a one-shot tool and is ignored", key.name);
            inner.warning(
                key.start,
                message,
                "there are: tool, image, args, volumes, user",
            );
        }
        fields.problems.append(&mut inner.problems);
    }
    (!out.is_empty()).then_some(out)
}
