//! The graph against small pictures, random graphs and large ones.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::issue::IssueRef;
use crate::item::{Dependency, EdgeOrigin, EdgeSource, Kind, Origin};
use crate::text::Text;

/// Items `#1` to `#count` with edges (item, dependency), numbered from 1.
pub(super) fn items(count: u64, edges: &[(u64, u64)]) -> Vec<ItemSpec> {
    let mut items: Vec<ItemSpec> = (1..=count).map(item).collect();
    for (from, on) in edges {
        let source = EdgeSource {
            by: EdgeOrigin::Marker,
            location: format!("issues/{from}.md").into(),
            line: Some(3),
            words: format!("Depends on #{on}"),
        };
        let at = usize::try_from(from - 1).expect("small");
        items[at].depends_on.push(Dependency { on: IssueRef::own(*on).key(), source });
    }
    items
}

fn item(number: u64) -> ItemSpec {
    let reference = IssueRef::own(number);
    ItemSpec {
        key: reference.key(),
        title: format!("Item {number}"),
        kind: Kind::Implement,
        role: None,
        pinned: None,
        priority: 0,
        body: Text::default(),
        depends_on: Vec::new(),
        external: Vec::new(),
        skip: false,
        path_length: 1,
        origin: Origin::Issue(reference),
    }
}

fn errors(count: u64, edges: &[(u64, u64)]) -> Vec<String> {
    let errors = Graph::build(&items(count, edges)).expect_err("refused");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_diamond_has_three_waves_and_a_critical_path() {
    let graph = Graph::build(&items(5, &[(2, 1), (3, 1), (4, 2), (4, 3), (4, 2)])).expect("no cycle");
    assert_eq!(graph.waves(), [vec![0, 4], vec![1, 2], vec![3]]);
    assert_eq!(graph.critical_path(), [0, 1, 3]);
    assert_eq!(graph.dependents(0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(graph.dependencies(3).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((graph.dependency_count(3), graph.path_length(0), graph.path_length(4)), (2, 3, 1));
}

#[test]
fn nobody_waits_for_a_skipped_item() {
    let mut items = items(3, &[(2, 1), (3, 2)]);
    items[1].skip = true;
    let graph = Graph::build(&items).expect("no cycle");
    assert_eq!(graph.waves(), [vec![0, 2]]);
    assert_eq!(graph.critical_path(), [0]);
    assert_eq!(graph.path_length(0), 1);
}

#[test]
fn no_items_make_an_empty_graph() {
    let graph = Graph::build(&[]).expect("nothing to refuse");
    assert!(graph.is_empty() && graph.waves().is_empty() && graph.critical_path().is_empty());
}

#[test]
fn a_cycle_is_named_edge_by_edge_from_its_first_item() {
    insta::assert_snapshot!(errors(3, &[(3, 2), (2, 3), (1, 2)]).join("\n"), @r#"
    cycle: #2 → #3 → #2
      #2 depends on #3 (issues/2.md:3 "Depends on #3")
      #3 depends on #2 (issues/3.md:3 "Depends on #2")
    "#);
}

#[test]
fn an_item_that_depends_on_itself_is_a_cycle_of_one() {
    insta::assert_snapshot!(errors(1, &[(1, 1)]).join("\n"), @r#"
    cycle: #1 → #1
      #1 depends on #1 (issues/1.md:3 "Depends on #1")
    "#);
}

#[test]
fn of_each_cyclic_part_the_shortest_cycle_is_named() {
    // 1→2→3→4→1 with the short cut 4→3, apart from it 5→6→5; 7 hangs on both and is on no cycle.
    let edges = [(1, 2), (2, 3), (3, 4), (4, 1), (4, 3), (5, 6), (6, 5), (7, 1), (7, 5)];
    let heads: Vec<String> =
        errors(7, &edges).iter().map(|e| e.lines().next().unwrap_or("").to_owned()).collect();
    assert_eq!(heads, ["cycle: #3 → #4 → #3", "cycle: #5 → #6 → #5"]);
}

#[test]
fn unknown_and_doubled_items_are_refused() {
    assert_eq!(errors(1, &[(1, 9)]), ["#1 depends on #9, which is not an item of the mission"]);
    let doubled = Graph::build(&[item(1), item(1)]).expect_err("refused");
    assert_eq!(doubled, [GraphError::DuplicateItem(IssueRef::own(1).key())]);
}

#[test]
fn a_ring_of_thousands_is_refused_without_exhausting_stack_or_patience() {
    let ring: Vec<(u64, u64)> = (1..=20_000).map(|n| (n, n % 20_000 + 1)).collect();
    let errors = Graph::build(&items(20_000, &ring)).expect_err("a ring");
    assert!(matches!(&errors[..], [GraphError::Cycle(cycle)] if cycle.edges.len() == 20_000));
    let chain = Graph::build(&items(20_000, &ring[..19_999])).expect("a chain");
    assert_eq!(chain.path_length(19_999), 20_000);
}

/// Whether item `from` reaches item `to` along dependencies, by a walk of its own.
fn reaches(edges: &[(u64, u64)], from: u64, to: u64) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for (_, on) in edges.iter().filter(|(item, _)| *item == at) {
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

/// The length of the shortest cycle through an item, by trying all lengths.
fn shortest_through(edges: &[(u64, u64)], item: u64) -> Option<usize> {
    let mut at = BTreeSet::from([item]);
    (1..=12).find(|_| {
        at = edges.iter().filter(|(from, _)| at.contains(from)).map(|(_, on)| *on).collect();
        at.contains(&item)
    })
}

fn check_cycle(cycle: &Cycle, edges: &[(u64, u64)]) -> Result<(), TestCaseError> {
    let number = |key: &ItemKey| IssueRef::parse(key.as_str()).expect("a key of ours").number;
    let nodes: Vec<u64> = cycle.edges.iter().map(|edge| number(&edge.item)).collect();
    for (edge, next) in cycle.edges.iter().zip(nodes.iter().cycle().skip(1)) {
        prop_assert_eq!(number(&edge.depends_on), *next);
        prop_assert!(edges.contains(&(number(&edge.item), *next)));
    }
    prop_assert_eq!(nodes.iter().collect::<BTreeSet<_>>().len(), nodes.len());
    prop_assert_eq!(nodes.iter().min(), nodes.first());
    let part =
        (1..=12).filter(|n| *n == nodes[0] || (reaches(edges, *n, nodes[0]) && reaches(edges, nodes[0], *n)));
    prop_assert_eq!(part.filter_map(|n| shortest_through(edges, n)).min(), Some(nodes.len()));
    Ok(())
}

proptest! {
    #[test]
    fn cyclic_graphs_are_refused_with_real_cycles_and_others_accepted(
        edges in proptest::collection::vec((1u64..=12, 1u64..=12), 0..24),
    ) {
        let cyclic: Vec<u64> = (1..=12).filter(|n| reaches(&edges, *n, *n)).collect();
        match Graph::build(&items(12, &edges)) {
            Ok(_) => prop_assert!(cyclic.is_empty()),
            Err(errors) => {
                let parts: BTreeSet<u64> = cyclic.iter().filter_map(|n| {
                    cyclic.iter().copied().find(|m| m == n || (reaches(&edges, *n, *m) && reaches(&edges, *m, *n)))
                }).collect();
                prop_assert_eq!(errors.len(), parts.len());
                for error in errors {
                    let GraphError::Cycle(cycle) = error else { return Err(TestCaseError::fail("not a cycle")) };
                    check_cycle(&cycle, &edges)?;
                }
            }
        }
    }

    #[test]
    fn waves_and_lengths_respect_every_edge(
        pairs in proptest::collection::vec((1u64..=40, 1u64..=40), 0..120),
    ) {
        let edges: Vec<(u64, u64)> = pairs.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.max(b), a.min(b))).collect();
        let graph = Graph::build(&items(40, &edges)).expect("edges lead to lower numbers only");
        let wave_of = |at: usize| graph.waves().iter().position(|wave| wave.contains(&at)).expect("in a wave");
        for at in 0..40 {
            let earliest = graph.dependencies(at).map(|on| wave_of(on) + 1).max().unwrap_or(0);
            prop_assert_eq!(wave_of(at), earliest);
            let longest = graph.dependents(at).map(|to| graph.path_length(to)).max().unwrap_or(0);
            prop_assert_eq!(graph.path_length(at), longest + 1);
        }
        let path = graph.critical_path();
        prop_assert_eq!(path.len(), graph.waves().len());
        prop_assert!(path.windows(2).all(|step| graph.dependents(step[0]).any(|to| to == step[1])));
    }
}
