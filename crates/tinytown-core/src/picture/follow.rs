//! Reads a drawn text back: follows the lanes with a finger, knowing only what the symbols mean.

use std::collections::{BTreeMap, BTreeSet};

/// An item as it was read from its row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) key: String,
    /// What it needs, by lanes and by name, sorted.
    pub(super) needs: Vec<String>,
    /// How many more it needs, which its row only counts.
    pub(super) more: usize,
    /// Whether a lane leaves it.
    pub(super) leaves: bool,
    /// By name, who needs it.
    pub(super) before: Vec<String>,
    pub(super) before_more: usize,
}

/// Reads every row. The keys of the picture begin with `#`, and no other words hold `#`, `←` or `→`.
///
/// # Errors
/// The row at which the drawing makes no sense, and why.
pub(super) fn follow(text: &str) -> Result<Vec<Read>, String> {
    let mut lanes = BTreeMap::new();
    let mut items = Vec::new();
    for line in text.lines() {
        let item = row(line, &mut lanes).map_err(|why| format!("{why}: {line}"))?;
        items.push(item);
    }
    if lanes.is_empty() { Ok(items) } else { Err(format!("lanes run on below the last row: {lanes:?}")) }
}

fn row(line: &str, lanes: &mut BTreeMap<usize, String>) -> Result<Read, String> {
    let (drawn, words) = line.split_at(line.find('#').ok_or("no key")?);
    let drawn: Vec<char> = drawn.chars().collect();
    let mut read = named(words);
    let symbols: Vec<usize> = (0..drawn.len()).filter(|at| "●○◆◇•◦".contains(drawn[*at])).collect();
    let [item] = symbols[..] else { return Err("not one symbol".to_owned()) };
    let mut seen = BTreeSet::new();
    walk(&drawn, item, -1, &mut seen)?;
    walk(&drawn, item, 1, &mut seen)?;
    read.needs.extend(lanes.remove(&item));
    for at in (0..drawn.len()).filter(|at| *at != item) {
        let touched = seen.contains(&at);
        let ends = match (drawn[at], touched) {
            (' ', false) | ('─', true) => {
                if lanes.contains_key(&at) {
                    return Err(format!("the lane at {at} vanishes"));
                }
                continue;
            }
            ('│', _) | ('├' | '┼' | '┤', true) => false,
            ('↓', _) | ('╰' | '┴' | '╯', true) => true,
            (sign, _) => return Err(format!("{sign} at {at} leads nowhere")),
        };
        let owner = lanes.get(&at).ok_or(format!("no lane arrives at {at}"))?.clone();
        if ends {
            lanes.remove(&at);
        }
        if !"│↓".contains(drawn[at]) {
            read.needs.push(owner);
        }
    }
    read.leaves = "●◆•".contains(drawn[item]);
    if read.leaves {
        lanes.insert(item, read.key.clone());
    }
    read.needs.sort();
    Ok(read)
}

/// Walks along the leg from the item to one side, if there is one, and marks what it passes, up to its end.
fn walk(drawn: &[char], item: usize, step: isize, seen: &mut BTreeSet<usize>) -> Result<(), String> {
    let next = |at: usize| at.checked_add_signed(step).filter(|at| *at < drawn.len());
    let mut at = item;
    if next(at).is_none_or(|gap| drawn[gap] == ' ') {
        return Ok(());
    }
    loop {
        at = next(at).ok_or("a leg leaves the drawing")?;
        seen.insert(at);
        match drawn[at] {
            '├' | '╰' if step < 0 => return Ok(()),
            '┤' | '╯' if step > 0 => return Ok(()),
            '─' => {}
            '│' | '↓' | '┼' | '┴' if at.is_multiple_of(2) => {}
            sign => return Err(format!("a leg meets {sign} at {at}")),
        }
    }
}

/// The key, and what is named behind it.
fn named(words: &str) -> Read {
    let (words, before) = words.split_once(" → ").unwrap_or((words, ""));
    let (words, needs) = words.split_once(" ← ").unwrap_or((words, ""));
    let key = words.split(' ').next().unwrap_or_default().to_owned();
    let ((needs, more), (before, before_more)) = (listed(needs), listed(before));
    Read { key, needs, more, before, before_more, ..Read::default() }
}

fn listed(list: &str) -> (Vec<String>, usize) {
    let (names, more) = list.split_once(" and ").unwrap_or((list, ""));
    let more = more.trim_end_matches(" more").parse().unwrap_or(0);
    (names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect(), more)
}

#[test]
fn a_drawing_that_makes_no_sense_is_noticed() {
    for (text, why) in [
        ("●   #1\n├─○ #2\n", "run on below"),
        ("○   #1\n├─○ #2\n", "no lane arrives"),
        ("●   #1\n  ○ #2\n", "vanishes"),
        ("●   #1\n╰──  #2\n", "not one symbol"),
        ("●   #1\n│─○ #2\n", "leaves the drawing"),
        ("●   #1\n├ ○ #2\n", "leads nowhere"),
    ] {
        let error = follow(text).expect_err(text);
        assert!(error.contains(why), "{error}");
    }
}
