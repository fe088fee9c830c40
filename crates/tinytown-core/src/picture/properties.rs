//! What holds for every picture.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::follow::{Read, follow};
use super::tests::{HOSTILE, numbered, picture};
use super::words::NAMED;
use super::*;

/// A graph by its edges (item, dependency) over items 0 to `count - 1`.
#[derive(Debug, Clone)]
struct Edges {
    count: usize,
    edges: BTreeSet<(usize, usize)>,
}

impl Edges {
    fn picture(&self) -> Picture {
        let mut picture = picture(&numbered(0..self.count));
        for (item, on) in &self.edges {
            // Twice: it counts once.
            let on = ItemKey::new(format!("#{on}"));
            picture.nodes[*item].depends_on.extend([on.clone(), on]);
        }
        picture
    }

    /// Whether there is a path, by a walk of its own.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut open = vec![from];
        let mut seen = BTreeSet::new();
        while let Some(at) = open.pop() {
            for (_, on) in self.edges.range((at, 0)..(at + 1, 0)) {
                if *on == to {
                    return true;
                }
                if seen.insert(*on) {
                    open.push(*on);
                }
            }
        }
        false
    }

    /// The edges that no longer path says.
    fn needed(&self) -> BTreeSet<(usize, usize)> {
        let said = |(item, on): &(usize, usize)| {
            self.edges.range((*item, 0)..(*item + 1, 0)).any(|(_, via)| self.reaches(*via, *on))
        };
        self.edges.iter().copied().filter(|edge| !said(edge)).collect()
    }
}

/// Acyclic graphs whose items are given in any order: few or many edges, near or far.
fn graphs() -> impl Strategy<Value = Edges> {
    let ranked = (2usize..48).prop_flat_map(|count| {
        let rank = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        let near = proptest::collection::vec((0..count, 1usize..6), 0..count * 2);
        let far = proptest::collection::vec((0..count, 0..count), 0..count);
        (rank, near, far)
    });
    ranked.prop_map(|(rank, near, far)| {
        let near = near.into_iter().map(|(item, step)| (item, item.saturating_sub(step)));
        let down = near.chain(far.into_iter().map(|(a, b)| (a.max(b), a.min(b)))).filter(|(a, b)| a != b);
        Edges { count: rank.len(), edges: down.map(|(a, b)| (rank[a], rank[b])).collect() }
    })
}

fn number(key: &str) -> usize {
    key.trim_start_matches('#').parse().expect("a key of ours")
}

/// Whether what was read of an item is what should be drawn, as far as its row names and not counts.
fn check(read: &Read, needed: &BTreeSet<(usize, usize)>) -> Result<(), TestCaseError> {
    let item = number(&read.key);
    let of = |keys: &[String]| keys.iter().map(|key| number(key)).collect::<BTreeSet<_>>();
    let needs: BTreeSet<usize> = needed.iter().filter(|(to, _)| *to == item).map(|(_, on)| *on).collect();
    prop_assert_eq!(needs.len(), read.needs.len() + read.more);
    prop_assert!(of(&read.needs).is_subset(&needs), "{:?} are not all of {:?}", read.needs, needs);
    let uses: BTreeSet<usize> = needed.iter().filter(|(_, on)| *on == item).map(|(to, _)| *to).collect();
    let said = if read.leaves { 0 } else { uses.len() };
    prop_assert_eq!(said, read.before.len() + read.before_more);
    prop_assert!(of(&read.before).is_subset(&uses));
    prop_assert!(!(read.leaves && uses.is_empty()));
    Ok(())
}

/// Follows the lanes and compares with what should be there.
fn check_text(graph: &Edges) -> Result<(), TestCaseError> {
    let text = graph.picture().text();
    let read = follow(&text).map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
    let rows: Vec<usize> = read.iter().map(|item| number(&item.key)).collect();
    prop_assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), graph.count);
    prop_assert_eq!(rows.len(), graph.count);
    let row_of = |item: usize| rows.iter().position(|other| *other == item);
    prop_assert!(graph.edges.iter().all(|(item, on)| row_of(*on) < row_of(*item)));
    let needed = graph.needed();
    read.iter().try_for_each(|item| check(item, &needed))
}

/// The edges of a mermaid or dot text, as (from, to), with the ids' letters.
fn edges_in(text: &str, arrow: &str) -> Vec<(String, String)> {
    let split = |line: &str| {
        let (from, to) = line.trim().split_once(arrow)?;
        Some((from.to_owned(), to.split(' ').next()?.to_owned()))
    };
    text.lines().filter_map(split).collect()
}

/// Titles from bits of hostile ones.
fn hostile() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        any::<String>(),
        proptest::string::string_regex("[\"\\\\\n\r#<>&;%{}`\\[\\]()|$-]{0,8}").expect("a pattern"),
    ];
    proptest::collection::vec(bit, 0..4).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whoever_follows_the_lanes_reads_the_transitive_reduction(graph in graphs()) {
        check_text(&graph)?;
    }

    #[test]
    fn every_edge_is_in_mermaid_and_dot_once_and_no_other(graph in graphs()) {
        let picture = graph.picture();
        let id = |at: usize| format!("n{}", at + 1);
        let given: Vec<(String, String)> =
            graph.edges.iter().map(|(item, on)| (id(*on), id(*item))).collect();
        prop_assert_eq!(&edges_in(&picture.mermaid(), " --> "), &given);
        prop_assert_eq!(&edges_in(&picture.dot(), " -> "), &given);
    }
}

proptest! {
    #[test]
    fn hostile_words_add_no_line_and_end_no_label(
        title in hostile(), mark in hostile(), note in hostile(), key in hostile(), outside in hostile(),
    ) {
        let mut picture = picture("1 a\n2 b < 1");
        let node = &mut picture.nodes[1];
        (node.title, node.mark, node.note) = (title, mark, note);
        (node.key, node.external) = (ItemKey::new(key), vec![outside]);
        let (text, mermaid, dot) = (picture.text(), picture.mermaid(), picture.dot());
        let lines = |text: &str| text.split(|c: char| c.is_control() || "\u{2028}\u{2029}".contains(c)).count() - 1;
        let outside = 2 * usize::from(mermaid.contains("-.->"));
        prop_assert_eq!((lines(&text), lines(&mermaid), lines(&dot)), (2, 4 + outside, 6 + outside));
        let label = mermaid.lines().nth(2).and_then(|line| line.strip_prefix("  n2[\"")?.strip_suffix("\"]"));
        let label = label.expect("one label").replacen("<br/>", "", 1);
        let entities = label.split('#').skip(1).all(|rest| {
            let digits = rest.split(';').next().unwrap_or_default();
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && rest.contains(';')
        });
        let plain = |c: char| c.is_alphanumeric() || c > '\u{ff}' || "#; ,-".contains(c);
        prop_assert!(entities && label.chars().all(plain), "{}", label);
        let label = dot.lines().nth(3).and_then(|line| line.strip_prefix("  n2 [label=\"")?.strip_suffix("\"]"));
        let bare = label.expect("one label").replace("\\\\", "").replace("\\\"", "");
        prop_assert!(!bare.contains('"') && !bare.ends_with('\\'), "{}", bare);
    }
}

/// Shapes that missions hardly have, as (item, dependency).
fn large(count: usize) -> Vec<(&'static str, Edges)> {
    let of = |edges: &mut dyn Iterator<Item = (usize, usize)>| Edges { count, edges: edges.collect() };
    let (last, layer) = (count - 1, count / 100);
    let below = |n: usize, k: usize| n / layer * layer - layer + (n * 7 + k * 13) % layer;
    vec![
        ("chain", of(&mut (1..count).map(|n| (n, n - 1)))),
        ("roots", of(&mut std::iter::empty())),
        ("layers", of(&mut (layer..count).flat_map(|n| (0..3).map(move |k| (n, below(n, k)))))),
        ("one root", of(&mut (1..count).map(|n| (n, 0)))),
        ("one end", of(&mut (0..last).map(|n| (last, n)))),
        ("ladder", of(&mut (2..count).flat_map(|n| [(n, n - 2), (n, n - 1 - n % 2)]))),
    ]
}

#[test]
fn large_pictures_of_every_shape_are_narrow_and_right() {
    for (name, graph) in large(400) {
        check_text(&graph).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    for (name, graph) in large(10_000) {
        let text = graph.picture().text();
        assert_eq!(follow(&text).expect(name).len(), graph.count, "{name}");
        assert!(text.lines().all(|line| line.chars().count() < 26 + 12 * (NAMED + 4)), "{name}");
    }
}
