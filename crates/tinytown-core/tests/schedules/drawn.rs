//! Graphs drawn from a seed: items, who may take them, who is there, and how many may be at work.

use tinytown_core::graph::Graph;
use tinytown_core::id::Role;
use tinytown_core::issue::IssueRef;
use tinytown_core::item::{Dependency, EdgeOrigin, EdgeSource, ItemSpec, Kind, Origin, RoleWish};
use tinytown_core::text::Text;

/// How long a launch takes in the mean, in milliseconds.
pub(crate) const WORK: u64 = 600_000;
/// How long every review takes.
pub(crate) const REVIEW: u64 = 200_000;
/// From the end of a launch until its pull request is judged.
pub(crate) const JUDGED: u64 = PUBLISH + CHECK;
/// How long opening a pull request, its checks and a merge take.
pub(crate) const PUBLISH: u64 = 1_000;
/// See [`PUBLISH`].
pub(crate) const CHECK: u64 = 30_000;
/// See [`PUBLISH`].
pub(crate) const MERGE: u64 = 1_000;
/// How long a look takes; the last one is after the approval.
pub(crate) const LOOK: u64 = 500;

/// Roles of agents; the last is the reviewers'.
pub(crate) const ROLES: [&str; 4] = ["backend", "frontend", "tester", "reviewer"];
/// The place of the reviewers' role among them.
pub(crate) const REVIEWER: usize = 3;

/// A mission to be scheduled.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) items: Vec<Work>,
    /// The role of each agent.
    pub(crate) agents: Vec<Option<usize>>,
    pub(crate) max_parallel: usize,
    pub(crate) reviewed: bool,
}

/// One item.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    pub(crate) after: Vec<usize>,
    /// The role that it asks for, and whether nobody with another role may take it.
    pub(crate) role: Option<(usize, bool)>,
    /// How long a launch takes, in milliseconds. Nobody knows that beforehand.
    pub(crate) takes: u64,
}

/// Random numbers that are the same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Mixed first: numbers of neighbouring seeds would be the same ones, one later.
        Self(Self(seed).next())
    }

    /// The next number (splitmix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("small");
        usize::try_from(self.next() % limit).expect("below the limit")
    }
}

impl Drawn {
    /// A mission of 10 to 300 items, some deep and some wide. Launches take the mean time, or up to so many percent
    /// less or more.
    pub(crate) fn of(seed: u64, spread: usize) -> Self {
        let mut dice = Dice::new(seed);
        let count = 10 + dice.below(291);
        let agents = 2 + dice.below(7);
        let window = [3, 8, 30, 300][dice.below(4)];
        let reviewed = dice.below(2) == 0;
        let mut agents: Vec<Option<usize>> =
            (0..agents).map(|_| Some(dice.below(4)).filter(|role| *role < REVIEWER)).collect();
        let max_parallel = 1 + dice.below(agents.len());
        if reviewed {
            agents.extend((0..=dice.below(2)).map(|_| Some(REVIEWER)));
        }
        let roles: Vec<usize> = agents.iter().flatten().copied().filter(|role| *role != REVIEWER).collect();
        let wishes = dice.below(4);
        let items = (0..count).map(|at| draw(at, window, &roles, wishes, spread, &mut dice)).collect();
        Self { items, agents, max_parallel, reviewed }
    }

    /// Whether that agent may work on that item at all.
    pub(crate) fn may_work(&self, agent: usize, item: usize) -> bool {
        match (self.items[item].role, self.agents[agent]) {
            (Some((wish, true)), Some(role)) => wish == role,
            _ => true,
        }
    }

    /// Whether that agent may review that author's work: reviewers, or if there is none any other agent.
    pub(crate) fn may_review(&self, agent: usize, author: usize) -> bool {
        let reviews = |agent: usize| self.agents[agent] == Some(REVIEWER);
        let others = (0..self.agents.len()).filter(|other| *other != author);
        agent != author && (reviews(agent) || !others.clone().any(reviews))
    }

    /// The same as items of a plan.
    pub(crate) fn specs(&self) -> Vec<ItemSpec> {
        let mut specs: Vec<ItemSpec> = (0..self.items.len()).map(|at| self.spec(at)).collect();
        let graph = Graph::build(&specs).expect("no item waits for a later one");
        specs.iter_mut().enumerate().for_each(|(at, spec)| spec.path_length = graph.path_length(at));
        specs
    }

    fn spec(&self, at: usize) -> ItemSpec {
        let work = &self.items[at];
        let source = EdgeSource {
            by: EdgeOrigin::Manifest,
            location: "mission.toml".into(),
            line: None,
            words: String::new(),
        };
        let needs = |on: &usize| Dependency { on: issue(*on).key(), source: source.clone() };
        ItemSpec {
            key: issue(at).key(),
            title: "Work".to_owned(),
            kind: Kind::Implement,
            role: work.role.map(|(role, required)| RoleWish { role: Role::new(ROLES[role]), required }),
            pinned: None,
            priority: 0,
            body: Text::default(),
            depends_on: work.after.iter().map(needs).collect(),
            external: Vec::new(),
            skip: false,
            path_length: 1,
            origin: Origin::Issue(issue(at)),
        }
    }
}

/// One item: up to three dependencies on the items shortly before it; of three, so many ask for a role.
fn draw(at: usize, window: usize, roles: &[usize], wishes: usize, spread: usize, dice: &mut Dice) -> Work {
    let from = at.saturating_sub(window);
    let mut after: Vec<usize> =
        (0..dice.below(4)).filter(|_| at > from).map(|_| from + dice.below(at - from)).collect();
    after.sort_unstable();
    after.dedup();
    let asks = dice.below(3) < wishes && !roles.is_empty();
    let role = asks.then(|| (roles[dice.below(roles.len().max(1))], dice.below(2) == 0));
    let percent = u64::try_from(100 - spread + dice.below(2 * spread + 1)).expect("small");
    let takes = WORK * percent / 100;
    Work { after, role, takes }
}

fn issue(at: usize) -> IssueRef {
    IssueRef::own(u64::try_from(at).expect("small") + 1)
}
