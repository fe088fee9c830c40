//! Pictures to look at.

use super::*;

/// Items from lines such as `3 Write tests < 1 2`: key, title, what it depends on.
pub(super) fn picture(lines: &str) -> Picture {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    Picture { nodes: lines.map(node).collect() }
}

/// Items that nothing is said about.
pub(super) fn numbered(numbers: impl Iterator<Item = usize>) -> String {
    let line = |n| format!("{n} Part {n}");
    numbers.map(line).collect::<Vec<_>>().join("\n")
}

fn node(line: &str) -> Node {
    let (words, needs) = line.split_once(" < ").unwrap_or((line, ""));
    let (key, title) = words.split_once(' ').unwrap_or((words, ""));
    Node {
        key: ItemKey::new(format!("#{key}")),
        title: title.to_owned(),
        mark: String::new(),
        note: String::new(),
        depends_on: needs.split_whitespace().map(|on| ItemKey::new(format!("#{on}"))).collect(),
        external: Vec::new(),
        critical: false,
        faded: false,
    }
}

fn tutorial() -> Picture {
    let mut picture = picture("1 Design auth API\n 2 Implement auth endpoints < 1\n 3 Write auth tests < 2");
    for (node, (mark, note)) in
        picture.nodes.iter_mut().zip([("✅", ""), ("🔄", "backend, attempt 2"), ("⏳", "waits for #2")])
    {
        (node.mark, node.note, node.critical) = (mark.to_owned(), note.to_owned(), true);
    }
    picture
}

#[test]
fn the_tutorials_chain() {
    insta::assert_snapshot!("tutorial_text", tutorial().text());
    insta::assert_snapshot!("tutorial_mermaid", tutorial().mermaid());
    insta::assert_snapshot!("tutorial_dot", tutorial().dot());
}

#[test]
fn a_diamond() {
    insta::assert_snapshot!(picture("1 Design\n 2 Server < 1\n 3 Client < 1\n 4 Ship < 2 3").text());
}

#[test]
fn a_fork_and_a_join_with_an_isolated_item() {
    insta::assert_snapshot!(
        picture("1 Design\n 2 Fix a typo\n 3 Server < 1\n 4 Client < 1\n 5 Docs < 1\n 6 Ship < 3 4 5").text()
    );
}

#[test]
fn two_missions_with_layers_long_and_transitive_edges() {
    let mut picture = picture(
        "1 Choose a database
        2 Sketch the screens
        3 Schema < 1
        4 Migrations < 3 1
        5 Sign in < 3
        6 Search < 3 2
        7 Screens < 2 6
        8 Load tests < 4 6
        9 Release < 7 8 5 1
        21 Survey the parsers
        22 Grammar < 21
        23 Parser < 22 21
        24 Fuzzing < 23
        25 Parser guide < 22 23",
    );
    for node in &mut picture.nodes {
        node.critical = ["#1", "#3", "#6", "#8", "#9"].contains(&node.key.as_str());
    }
    insta::assert_snapshot!(picture.text());
}

#[test]
fn no_more_than_twelve_lanes_and_the_rest_in_words() {
    let mut lines = numbered(1..=15);
    lines += "\n16 Half < 13 12 11\n17 Half more < 14 1\n18 All < 15 16 17 2 3 4 5 6 7 8 9 10";
    insta::assert_snapshot!(picture(&lines).text());
}

#[test]
fn a_lane_that_is_needed_late_makes_room() {
    let mut lines = numbered(1..=12);
    lines += "\n13 Spike\n14 Build on the spike < 13\n15 Early < 1 2 3 4 5 6\n16 Late < 7 8 9 10 11 12";
    insta::assert_snapshot!(picture(&lines).text());
}

/// Items that wait for issues outside, a skipped one, and both together.
fn with_outside() -> Picture {
    let mut picture = picture("1 Design\n2 Server < 1\n3 Cache < 2\n4 Client < 1 3");
    picture.nodes[1].external = vec!["acme/lib#9".to_owned(), "#40".to_owned(), "#40".to_owned()];
    picture.nodes[3].external = vec!["#40".to_owned()];
    (picture.nodes[2].faded, picture.nodes[2].mark) = (true, "⏭".to_owned());
    (picture.nodes[0].critical, picture.nodes[2].critical) = (true, true);
    picture.nodes[3].note = "waits for #40".to_owned();
    picture
}

#[test]
fn issues_outside_and_skipped_items() {
    insta::assert_snapshot!("outside_text", with_outside().text());
    insta::assert_snapshot!("outside_mermaid", with_outside().mermaid());
    insta::assert_snapshot!("outside_dot", with_outside().dot());
}

/// Words that try to be more than words.
pub(super) const HOSTILE: [&str; 14] = [
    "\"]; n9[\"owned",
    "a\nb\r\n  click n1 \"https://evil.example\"",
    "#quot;]--> n9[ &quot; &#34; #34;",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "`code` **bold** [link](https://evil.example) www.evil.example",
    "%%{init: {\"theme\":\"dark\"}}%% style x:#123; classDef y:#1;",
    "\\\" ]; n9 [label=\"x\" URL=\"https://evil.example\"]; // \\",
    "\\N \\G \\n \\l }",
    "$$x^2$$ fa:fa-car ﬂ°°60¶ßb> :::critical",
    "turn \u{202e}around\u{2028}and\u{85}down\u{1b}[2J\u{0}\u{7}",
    "1. list - item | pipe end subgraph",
    "│ ● ├─╯ ↓",
    "漢字 عربي 👩‍🚀 ⚠️",
    "\u{200b}\n\t",
];

fn hostile() -> Picture {
    let nodes = HOSTILE.iter().enumerate().map(|(at, text)| Node {
        note: (*text).to_owned(),
        mark: if at == 0 { (*text).to_owned() } else { String::new() },
        external: if at < 2 { vec![(*text).to_owned()] } else { Vec::new() },
        ..node(&format!("{} {text}", at + 1))
    });
    let mut picture = Picture { nodes: nodes.collect() };
    picture.nodes.push(Node { key: ItemKey::new(HOSTILE[0]), ..node("15") });
    picture.nodes.push(Node { key: ItemKey::new("\u{200b}"), external: vec!["\n".to_owned()], ..node("16") });
    picture.nodes[1].depends_on = vec![ItemKey::new(HOSTILE[0]), ItemKey::new("#1")];
    picture
}

#[test]
fn hostile_words_stay_words() {
    insta::assert_snapshot!("hostile_text", hostile().text());
    insta::assert_snapshot!("hostile_mermaid", hostile().mermaid());
    insta::assert_snapshot!("hostile_dot", hostile().dot());
}

#[test]
fn nothing_draws_nothing() {
    let nothing = Picture::default();
    assert_eq!(nothing.text(), "");
    assert_eq!(nothing.mermaid(), "flowchart TD\n");
    assert_eq!(nothing.dot(), "digraph mission {\n  node [shape=box]\n}\n");
}

#[test]
fn circles_doubled_and_unknown_keys_are_drawn_all_the_same() {
    let text = picture("1 a < 3 9\n2 b < 1\n3 c < 2\n4 d < 4\n5 e\n5 f < 5\n6 g < 5 6").text();
    insta::assert_snapshot!(text);
}
