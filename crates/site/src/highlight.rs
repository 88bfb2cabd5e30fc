//! Colors of code: the scopes of the grammars, put into five classes.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::escape::escape;

/// A language of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Commands of a shell.
    Shell,
    /// JavaScript.
    JavaScript,
    /// Python.
    Python,
    /// JSON.
    Json,
    /// Rust.
    Rust,
    /// YAML.
    Yaml,
    /// Anything else: no colors.
    Plain,
}

impl Language {
    /// The language that a fence of Markdown names.
    #[must_use]
    pub fn of_fence(info: &str) -> Self {
        match info.split([' ', ',']).next().unwrap_or_default() {
            "sh" | "bash" | "shell" | "console" => Self::Shell,
            "js" | "javascript" | "mjs" | "ts" | "typescript" => Self::JavaScript,
            "py" | "python" => Self::Python,
            "json" | "jsonc" => Self::Json,
            "rust" | "rs" => Self::Rust,
            "yaml" | "yml" => Self::Yaml,
            _ => Self::Plain,
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shell => "Shell",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Json => "JSON",
            Self::Rust => "Rust",
            Self::Yaml => "YAML",
            Self::Plain => "Text",
        }
    }

    const fn extension(self) -> Option<&'static str> {
        match self {
            Self::Shell => Some("sh"),
            Self::JavaScript => Some("js"),
            Self::Python => Some("py"),
            Self::Json => Some("json"),
            Self::Rust => Some("rs"),
            Self::Yaml => Some("yaml"),
            Self::Plain => None,
        }
    }
}

/// Longest text that is colored, in bytes. Longer ones are shown as they are: coloring takes time for each byte.
const TEXT_BYTES_MAX: usize = 65_536;
/// Most texts whose colors are remembered. Samples are few, but they name the reader's own address.
const REMEMBERED_MAX: usize = 4_096;

static GRAMMARS: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);
static REMEMBERED: LazyLock<Mutex<HashMap<(Language, String), String>>> = LazyLock::new(Mutex::default);

/// Beginnings of scopes and the class that each one means, the most telling first.
static CLASSES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    const NAMES: [(&str, &str); 12] = [
        ("comment", "c"),
        ("meta.structure.dictionary.key", "v"),
        ("meta.mapping.key", "v"),
        ("variable.other.readwrite", ""),
        ("variable.other.normal.shell", "v"),
        ("variable.parameter", "v"),
        ("constant.numeric", "m"),
        ("constant.language", "k"),
        ("keyword.operator", ""),
        ("keyword", "k"),
        ("storage", "k"),
        ("string", "s"),
    ];
    let scope = |(name, class): (&str, &'static str)| Some((Scope::new(name).ok()?, class));
    NAMES.into_iter().filter_map(scope).collect()
});

/// `text` as HTML, colored.
#[must_use]
pub fn highlight(language: Language, text: &str) -> String {
    let grammar = language
        .extension()
        .and_then(|ending| GRAMMARS.find_syntax_by_extension(ending));
    let Some(grammar) = grammar.filter(|_| text.len() <= TEXT_BYTES_MAX) else {
        return escape(text);
    };
    let key = (language, text.to_owned());
    let lock = || REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(&key) {
        return known.clone();
    }
    let colored = color(grammar, text).unwrap_or_else(|| escape(text));
    let mut remembered = lock();
    if remembered.len() >= REMEMBERED_MAX {
        remembered.clear();
    }
    remembered.insert(key, colored.clone());
    colored
}

fn color(grammar: &SyntaxReference, text: &str) -> Option<String> {
    let mut parser = ParseState::new(grammar);
    let mut stack = ScopeStack::new();
    let mut out = Spans::default();
    // Grammars want every line to end.
    let whole = format!("{text}\n");
    for line in whole.split_inclusive('\n') {
        let mut from = 0;
        for (to, change) in parser.parse_line(line, &GRAMMARS).ok()? {
            out.push(class_of(&stack), &line[from..to]);
            stack.apply(&change).ok()?;
            from = to;
        }
        out.push(class_of(&stack), &line[from..]);
    }
    Some(out.finish())
}

fn class_of(stack: &ScopeStack) -> &'static str {
    let class = |scope: &Scope| CLASSES.iter().find(|(beginning, _)| beginning.is_prefix_of(*scope));
    // A key of JSON is a string too: the key says more.
    let key = stack
        .as_slice()
        .iter()
        .filter_map(class)
        .find(|(_, class)| *class == "v");
    key.or_else(|| stack.as_slice().iter().rev().find_map(class))
        .map_or("", |(_, class)| *class)
}

/// Pieces of one class, joined.
#[derive(Default)]
struct Spans {
    html: String,
    class: &'static str,
    pending: String,
}

impl Spans {
    fn push(&mut self, class: &'static str, text: &str) {
        if text.is_empty() {
            return;
        }
        // Blanks have no color.
        if class != self.class && !text.trim().is_empty() {
            self.flush();
            self.class = class;
        }
        self.pending.push_str(text);
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.pending);
        if text.is_empty() {
            return;
        }
        if self.class.is_empty() {
            self.html.push_str(&escape(&text));
        } else {
            let body = text.trim_end();
            let blanks = &text[body.len()..];
            self.html.push_str(&format!(
                r#"<span class="{}">{}</span>{blanks}"#,
                self.class,
                escape(body)
            ));
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        let kept = self.html.trim_end().len();
        self.html.truncate(kept);
        self.html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_keeps_its_text_and_gets_colors() {
        let text = "import os\n# a note\nprint(\"a < b\", 3)";
        let html = highlight(Language::Python, text);
        assert!(html.contains("<span class=\"k\">import</span> os"), "{html}");
        assert!(html.contains("<span class=\"c\"># a note</span>"), "{html}");
        assert!(html.contains("&lt;") && !html.contains("a < b"), "{html}");
        assert!(html.contains("<span class=\"m\">3</span>"), "{html}");
    }

    #[test]
    fn keys_of_json_differ_from_its_texts() {
        let html = highlight(Language::Json, "{ \"id\": \"x\" }");
        assert!(html.contains("<span class=\"v\">&quot;id&quot;</span>"), "{html}");
        assert!(html.contains("<span class=\"s\">&quot;x&quot;</span>"), "{html}");
    }

    #[test]
    fn what_has_no_grammar_is_only_escaped() {
        assert_eq!(highlight(Language::Plain, "<b>"), "&lt;b&gt;");
    }
}
