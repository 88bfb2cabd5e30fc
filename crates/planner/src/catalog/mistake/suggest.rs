//! The words for a name that nothing has.

use crate::suggest::nearest;

/// As many legal names are all listed beside a suggestion; more would hide it.
const FEW: usize = 5;

/// "unknown x 'y'", with the name that was probably meant, and all legal ones when they are few.
pub(in crate::catalog) fn unknown<'a>(what: &str, name: &str, legal: impl Iterator<Item = &'a str>) -> String {
    let legal: Vec<&str> = legal.collect();
    let list = if legal.len() <= FEW { legal.as_slice() } else { &[] };
    told(what, name, nearest(name, legal.iter().copied()), list)
}

fn told(what: &str, name: &str, near: Option<&str>, list: &[&str]) -> String {
    let all: Vec<String> = list.iter().map(|name| format!("'{name}'")).collect();
    let all = all.join(", ");
    match (near, list) {
        (Some(near), []) => format!("unknown {what} '{name}'; did you mean '{near}'?"),
        (Some(near), _) => format!("unknown {what} '{name}'; did you mean '{near}'? Legal: {all}"),
        (None, []) => format!("unknown {what} '{name}'"),
        (None, _) => format!("unknown {what} '{name}'; legal: {all}"),
    }
}

/// The reader's words for a key or value that it does not know, with the one that was probably meant. All legal ones
/// follow when they are few, or when none is near and they are all the help there is. `None` for other words.
pub(in crate::catalog) fn from_reader(message: &str) -> Option<String> {
    let (what, rest) = match message.strip_prefix("unknown field `") {
        Some(rest) => ("key", rest),
        None => ("value", message.strip_prefix("unknown variant `")?),
    };
    let (name, listed) = rest.split_once("`, ")?;
    let legal: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    let near = nearest(name, legal.iter().copied());
    let list = if near.is_none() || legal.len() <= FEW {
        legal.as_slice()
    } else {
        &[]
    };
    Some(told(what, name, near, list))
}
