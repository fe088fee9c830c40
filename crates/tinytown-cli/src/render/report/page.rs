//! A report as headings and lists, written for terminals or as Markdown.

/// A heading, what stands under it, and sections.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) under: Vec<String>,
    pub(super) sections: Vec<Section>,
}

/// A heading with its list.
#[derive(Debug)]
pub(super) struct Section {
    /// With its icon.
    pub(super) title: String,
    pub(super) entries: Vec<Entry>,
    /// It stands even without a list.
    pub(super) always: bool,
}

/// One element of a list, with what there is to say about it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) head: String,
    pub(super) more: Vec<String>,
    /// What to type next.
    pub(super) command: Option<String>,
    /// Elements that belong to it.
    pub(super) below: Vec<Self>,
}

impl Section {
    pub(super) fn new(title: impl Into<String>, entries: Vec<Entry>) -> Self {
        Self { title: title.into(), entries, always: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && !self.always
    }
}

impl From<String> for Entry {
    fn from(head: String) -> Self {
        Self { head, ..Self::default() }
    }
}

impl Page {
    pub(super) fn text(&self) -> Vec<String> {
        let mut lines = vec![self.title.clone()];
        lines.extend(self.under.iter().map(|line| format!("   {line}")));
        for Section { title, entries, .. } in &self.sections {
            lines.push(title.clone());
            for entry in entries {
                entry.text(1, &mut lines);
            }
        }
        lines
    }

    pub(super) fn markdown(&self) -> Vec<String> {
        let mut lines = vec![format!("# {}", escaped(&self.title))];
        for line in &self.under {
            lines.extend([String::new(), escaped(line)]);
        }
        for Section { title, entries, .. } in &self.sections {
            lines.extend([String::new(), format!("## {}", escaped(title))]);
            lines.extend((!entries.is_empty()).then(String::new));
            for entry in entries {
                entry.markdown(0, &mut lines);
            }
        }
        lines
    }
}

impl Entry {
    fn text(&self, depth: usize, lines: &mut Vec<String>) {
        let (indent, under) = ("   ".repeat(depth), "   ".repeat(depth + 1));
        lines.push(format!("{indent}{}", self.head));
        lines.extend(self.more.iter().map(|line| format!("{under}{line}")));
        lines.extend(self.command.iter().map(|command| format!("{under}next: {command}")));
        for entry in &self.below {
            entry.text(depth + 1, lines);
        }
    }

    fn markdown(&self, depth: usize, lines: &mut Vec<String>) {
        let (indent, under) = ("  ".repeat(depth), "  ".repeat(depth + 1));
        lines.push(format!("{indent}- {}", escaped(&self.head)));
        lines.extend(self.more.iter().map(|line| format!("{under}- {}", escaped(line))));
        // Commands are ours, and hold no backtick.
        lines.extend(self.command.iter().map(|command| format!("{under}- next: `{command}`")));
        for entry in &self.below {
            entry.markdown(depth + 1, lines);
        }
    }
}

/// Text of others in one line, as it is: nothing in it makes a link, an image or HTML, or calls anybody by name.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '!' | '$' => {
                out.extend(['\\', c]);
            }
            // Forges notify whoever is named so.
            '@' => out.push_str("@<!-- -->"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_no_markup_and_calls_nobody() {
        assert_eq!(
            escaped("![x](http://e.vil) <b>`rm` @all a_b #2"),
            "\\!\\[x\\](http://e.vil) \\<b\\>\\`rm\\` @<!-- -->all a\\_b #2"
        );
    }
}
