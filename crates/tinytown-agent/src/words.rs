//! Outside words made fit for records, prompts and commit messages.

/// Without control characters (line ends and tabs stay) and without those that change the direction of text.
pub(crate) fn plain(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    lines.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(*c))).collect()
}

/// The beginning of a text, at most so many bytes and no half character.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// An agent's words as a record carries them: plain, trimmed, at most 4 KiB.
pub(crate) fn summary(text: &str) -> String {
    cut(plain(text).trim(), 4096).trim_end().to_owned()
}

/// Characters that make what follows read in another direction than it is stored.
fn turns(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_what_a_terminal_would_obey_and_keep_their_lines() {
        assert_eq!(plain("a\u{1b}[31mb\r\n\tc\0\u{202e}d"), "a[31mb\n\tcd");
    }

    #[test]
    fn a_summary_is_cut_between_characters() {
        let long = "ä".repeat(3000);
        assert_eq!(summary(&format!("x{long}")).len(), 4095);
        assert_eq!(summary("  said \n"), "said");
    }
}
