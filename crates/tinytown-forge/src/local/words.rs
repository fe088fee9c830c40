//! Foreign text made fit for commit messages and reports.

use tinytown_core::id::{ItemKey, MissionId, OpId};

/// Names the item that a merge commit merged: `MISSION KEY`.
pub(super) const ITEM_TRAILER: &str = "Tinytown-Item";
/// Names the effect that made a merge commit.
const OP_TRAILER: &str = "Tinytown-Op";

/// Longest first line of a commit of ours, in characters.
const TITLE_LIMIT: usize = 200;

/// One line without control or direction characters.
pub(super) fn one_line(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !hidden(*c)).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TITLE_LIMIT).collect()
}

/// Characters that are not seen, or that turn the direction of what is.
fn hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The message of the one merge commit that an item gets.
pub(super) fn merge_message(title: &str, mission: MissionId, item: &ItemKey, op: &OpId) -> String {
    let subject = match one_line(title) {
        title if title.is_empty() => format!("Merge {}", one_line(item.as_str())),
        title => title,
    };
    let (item, op) = (one_line(item.as_str()), one_line(op.as_str()));
    format!("{subject}\n\n{ITEM_TRAILER}: {mission} {item}\n{OP_TRAILER}: {op}\n")
}

/// The end of a command's output as a report shows it: at most `limit` bytes, no escape sequences, no
/// control characters but line ends and tabs.
pub(super) fn readable_tail(bytes: &[u8], limit: usize) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\n' | '\t' => plain.push(c),
            c if c.is_control() || hidden(c) => {}
            c => plain.push(c),
        }
    }
    let surplus = plain.len().saturating_sub(limit);
    let start = (surplus..=plain.len()).find(|at| plain.is_char_boundary(*at)).unwrap_or(plain.len());
    plain.split_off(start)
}

/// Passes over the rest of a terminal's escape sequence.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        // Colours, movements: parameters, then one letter.
        Some('[') => while chars.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {},
        // Titles and links: up to a bell or a string terminator.
        Some(']') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_smuggle_in_trailers() {
        let mission = "0c7f6d0e-8f43-4f6e-9d8d-2b1f6a5e4c3b".parse().expect("a UUID");
        let message = |title| merge_message(title, mission, &ItemKey::new("#2"), &OpId::new("op-1"));
        let trailers = "\n\nTinytown-Item: 0c7f6d0e-8f43-4f6e-9d8d-2b1f6a5e4c3b #2\nTinytown-Op: op-1\n";
        assert_eq!(
            message(" a\n\nTinytown-Item: x #9\0\u{202e}"),
            format!("a Tinytown-Item: x #9{trailers}")
        );
        assert_eq!(message("\n"), format!("Merge #2{trailers}"));
    }

    #[test]
    fn output_is_shown_without_escapes_and_at_most_so_long() {
        let noisy = b"\x1b[31mred\x1b[0m\r\n\x1b]0;title\x07bell\x07\x1b]8;;x\x1b\\link\x00\tend\xff";
        assert_eq!(readable_tail(noisy, 100), "red\nbelllink\tend\u{fffd}");
        assert_eq!(readable_tail("ääääé".as_bytes(), 5), "äé");
        assert_eq!(readable_tail(b"50%\r100%\n", 100), "50%\n100%\n");
    }
}
