//! Words that stand for several: those of `data/faults.toml`, and those that a sandbox is started with.

use super::parse::parse_words;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Named>,
}

/// A word, what it stands for, and what happens by it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    word: String,
    is: String,
    about: String,
}

/// All such words.
pub(crate) struct NamedFaults(Vec<Named>);

impl Default for NamedFaults {
    fn default() -> Self {
        Self::read("").expect("the words of the table are made of others")
    }
}

impl NamedFaults {
    /// The words of the table and `more`, which has its form.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(more: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        for text in [include_str!("../../data/faults.toml"), more] {
            let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
            all.extend(file.fault);
        }
        for fault in &all {
            parse_words(&fault.is).map_err(|why| format!("fault '{}': {why}", fault.word))?;
        }
        Ok(Self(all))
    }

    /// A switch with what its words stand for.
    pub(crate) fn spell_out(&self, words: &str) -> String {
        let spelt = words.split_whitespace().map(|word| {
            let named = self.0.iter().find(|fault| fault.word == word);
            named.map_or(word, |fault| fault.is.as_str())
        });
        spelt.collect::<Vec<_>>().join(" ")
    }

    /// A line for each word.
    pub(crate) fn help(&self) -> String {
        let line = |fault: &Named| format!("{:<17} {} ({})\n", fault.word, fault.about, fault.is);
        let lines: String = self.0.iter().map(line).collect();
        format!("\nWords that stand for several:\n\n{lines}")
    }
}
