//! `cargo xtask bench core`: what compiling a plan and deciding cost, at several sizes.
#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::graph::Graph;
use tinytown_core::id::{AgentName, MissionId, Sha};
use tinytown_core::input::{Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::issue::{Issue, IssueRef, IssueState};
use tinytown_core::item::{Dependency, EdgeOrigin, EdgeSource, ItemSpec, Kind, Origin};
use tinytown_core::letter::Letter;
use tinytown_core::manifest::Manifest;
use tinytown_core::mission::MissionState;
use tinytown_core::objective::Objective;
use tinytown_core::observation::{Checks, Observation, Pull, PullState};
use tinytown_core::plan::{self, Request};
use tinytown_core::policy::Policy;
use tinytown_core::roster::Place;
use tinytown_core::simulate::{Scenario, Simulation};
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_core::town::Town;

/// Most dependents of one item.
const OUT_DEGREE: u64 = 8;

fn main() {
    let edges: usize = graph(10_000).iter().map(|item| item.depends_on.len()).sum();
    println!("compile a plan of 10,000 items and {edges} edges, Markdown apart");
    println!("{:>28} {:>9} {:>9}", "", "median ms", "most ms");
    compile();
    refuse();
    read_markers();
    println!();
    println!("decide, whole mission, honest agents, 16 at once, out-degree <= {OUT_DEGREE}");
    println!(
        "{:>8} {:>9} {:>9} {:>9} {:>9} {:>12}",
        "items", "steps", "p50 us", "p99 us", "max us", "missions/s"
    );
    for items in [30, 100, 1000, 10_000] {
        decide(items);
    }
    println!();
    println!("simulate friendly missions of 30 items on one core, checks off, drawing and planning included");
    println!("{:>28} {:>9} {:>12}", "", "steps", "missions/s");
    simulate_friendly("without reviews", false);
    simulate_friendly("with reviews", true);
}

/// The median of five rounds of 200 missions.
fn simulate_friendly(name: &str, reviewed: bool) {
    const MISSIONS: u32 = 200;
    let mut steps = 0;
    let mut rates: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            steps = (0..MISSIONS).map(|seed| simulate_one(u64::from(seed), reviewed)).sum();
            f64::from(MISSIONS) / began.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    println!("{name:>28} {:>9} {:>12.0}", steps / MISSIONS as usize, rates[rates.len() / 2]);
}

fn simulate_one(seed: u64, reviewed: bool) -> usize {
    let mut scenario = Scenario::friendly(seed, 30);
    scenario.policy.reviewer_required = reviewed;
    let mut simulation = Simulation::new(&scenario).expect("a plan").checking(false);
    while simulation.step().is_some() {}
    let transcript = simulation.into_transcript();
    assert_eq!(transcript.state(), MissionState::Completed, "{transcript}");
    transcript.steps()
}

/// Dependencies come from a manifest that was read before, so that no Markdown is in the way.
fn compile() {
    let items = graph(10_000);
    let manifest = Manifest::parse(&overrides(&items), "mission.toml").expect("a manifest");
    let objectives: Vec<Objective> = (1..=10_000).map(|number| issue(number).into()).collect();
    let standings = std::collections::BTreeMap::new();
    let request = Request { objectives: &objectives, standings: &standings, manifest: &manifest, own: None };
    let plan = || std::hint::black_box(plan::compile(&request).expect("no cycle").items.len());
    measure("compile and cycle check", plan);
    measure("the graph alone", || std::hint::black_box(Graph::build(&items).expect("no cycle").len()));
}

/// The worst that was found: a ring of layers, numbered at random, in which every cycle leads through every layer.
fn refuse() {
    const WIDTH: u64 = 25;
    let layers = 10_000 / WIDTH;
    let number = |layer: u64, place: u64| (((layer % layers) * WIDTH + place) * 7_919) % 10_000 + 1;
    let mut items: Vec<ItemSpec> = Vec::with_capacity(10_000);
    for at in 0..10_000 {
        let (layer, place) = (at / WIDTH, at % WIDTH);
        let on: Vec<u64> = (0..2).map(|step| number(layer + 1, (place + step * 7) % WIDTH)).collect();
        items.push(item(number(layer, place), &on));
    }
    items.sort_by_key(|item| match &item.origin {
        Origin::Issue(reference) => reference.number,
        _ => 0,
    });
    measure("refuse a ring of 400 layers", || {
        std::hint::black_box(Graph::build(&items).expect_err("cycles").len())
    });
}

/// Texts of usual length, and one long one.
fn read_markers() {
    const PARAGRAPH: &str = "\
The *session* is looked up twice, see `src/handlers/` and [the notes](https://example.org/notes/1), which costs a round
trip. It is not blocked by #7 any more, and it closes #8.

- [ ] one look-up for each request
- Depends on #12 and #13.
- is part of owner/repo#9

";
    let issue = PARAGRAPH.repeat(5);
    let issues = 10_000_000 / issue.len();
    let long = PARAGRAPH.repeat(10_000_000 / PARAGRAPH.len());
    measure("markers of 10 MB in issues", || {
        (0..issues).map(|_| tinytown_core::markers::read(std::hint::black_box(&issue)).len()).sum()
    });
    measure("markers of one text of 10 MB", || tinytown_core::markers::read(&long).len());
    // The slowest of some thirty hostile pieces: a label every few bytes, each of which might have a list.
    let hostile = "(a Dependencies: ".repeat(10_000_000 / 17) + "\n\n#1";
    measure("markers of 10 MB of malice", || tinytown_core::markers::read(&hostile).len());
}

fn measure(name: &str, run: impl Fn() -> usize) {
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:>28} {:>9.1} {:>9.1}", times[times.len() / 2], times[times.len() - 1]);
}

fn overrides(items: &[ItemSpec]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for item in items.iter().filter(|item| !item.depends_on.is_empty()) {
        let on: Vec<String> = item.depends_on.iter().map(|edge| format!("\"{}\"", edge.on)).collect();
        writeln!(text, "[[overrides]]\nissue = \"{}\"\ndepends_on = [{}]", item.key, on.join(", "))
            .expect("a string takes it");
    }
    text
}

fn issue(number: u64) -> Issue {
    Issue {
        reference: IssueRef::own(number),
        title: format!("Item {number}"),
        body: String::new(),
        labels: Vec::new(),
        state: IssueState::Open,
        location: format!("issues/{number}.md"),
        body_line: 2,
    }
}

fn decide(count: u64) {
    let mut times = Vec::new();
    let began = Instant::now();
    run(count, &mut times);
    let whole = began.elapsed();
    times.sort_unstable();
    let at = |percent: usize| micros(times[(times.len() - 1) * percent / 100]);
    let most = micros(times[times.len() - 1]);
    println!(
        "{count:>8} {:>9} {:>9.2} {:>9.2} {:>9.2} {:>12.1}",
        times.len(),
        at(50),
        at(99),
        most,
        1.0 / whole.as_secs_f64()
    );
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn run(count: u64, times: &mut Vec<Duration>) {
    let mut town = Town::default();
    let mut now = 1_000_000;
    let mut inputs: VecDeque<Input> = (0..16).map(join).collect();
    let policy = Policy { max_parallel: 16, reviewer_required: false, auto_merge: true, ..Policy::default() };
    let items = graph(count);
    let objectives = items.iter().map(|item| item.key.to_string()).collect();
    let id = MissionId(uuid::Uuid::from_u128(1));
    inputs.push_back(Input::Start(Box::new(NewMission { id, policy, objectives, items })));
    let mut heads = std::collections::HashMap::new();
    loop {
        let input = match inputs.pop_front() {
            Some(input) => input,
            None => match town.next_wake(Time::from_millis(now)) {
                Some(mission) => Input::Mission { mission, what: MissionInput::Wake },
                None => return,
            },
        };
        now += 1;
        let began = Instant::now();
        let decided = town.decide(&input, Time::from_millis(now));
        let took = began.elapsed();
        if !matches!(input, Input::Start(_) | Input::Join(_)) {
            times.push(took);
        }
        for (op, effect) in decided.step.effects {
            let result = perform(&effect, &mut heads);
            inputs.push_back(Input::Mission { mission: id, what: MissionInput::Effect { op, result } });
        }
        for delivery in decided.step.letters {
            if let Letter::Assignment(brief) = delivery.letter {
                let claim = brief.claim;
                let head = Sha::new(&format!("{now:040x}")).expect("40 digits");
                let submission = Submission::Work { head, empty: false, summary: "done".to_owned() };
                let started = MissionInput::Started { claim: claim.clone() };
                inputs.push_back(Input::Mission { mission: id, what: started });
                inputs.push_back(Input::Mission {
                    mission: id,
                    what: MissionInput::submitted(claim, submission),
                });
            }
        }
        town.forget_ended(id);
    }
}

fn perform(effect: &Effect, heads: &mut std::collections::HashMap<u64, Sha>) -> EffectResult {
    match effect {
        Effect::Base { .. } => EffectResult::Base(Sha::new(&"a".repeat(40)).expect("40 digits")),
        Effect::Publish { branch, head, pull, .. } => {
            let number = pull.unwrap_or(heads.len() as u64 + 1);
            heads.insert(number, head.clone());
            let (branch, head) = (branch.clone(), head.clone());
            EffectResult::Published(Pull { number, url: String::new(), branch, head, state: PullState::Open })
        }
        Effect::Look { pull, .. } => EffectResult::Looked(Observation::open(heads[pull].clone())),
        Effect::Check { head, .. } => EffectResult::Checked { head: head.clone(), checks: Checks::Green },
        Effect::Merge { .. } => EffectResult::Merged(None),
        Effect::Restack { head, stack, .. } => {
            EffectResult::Restacked { from: head.clone(), head: head.clone(), stack: stack.clone() }
        }
        Effect::Issues { .. } => EffectResult::Issues(Vec::new()),
    }
}

fn join(n: u32) -> Input {
    let place = Place { host: "h".into(), boot: "b".into(), pid: n, started: 1, runs: String::new() };
    let agent = AgentName::new(&format!("agent-{n}")).expect("a name");
    Input::Join(Join { agent, role: None, cli: "sh".into(), place })
}

/// A graph in which every item waits for up to three earlier ones, and none has more than eight dependents.
fn graph(count: u64) -> Vec<ItemSpec> {
    let mut dependents = vec![0; usize::try_from(count).expect("small") + 1];
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (1..=count)
        .map(|number| {
            let mut on = Vec::new();
            for _ in 0..3 {
                let other = if number > 1 { 1 + random() % (number - 1) } else { continue };
                let place = usize::try_from(other).expect("small");
                if dependents[place] < OUT_DEGREE && !on.contains(&other) {
                    dependents[place] += 1;
                    on.push(other);
                }
            }
            item(number, &on)
        })
        .collect()
}

fn item(number: u64, after: &[u64]) -> ItemSpec {
    let source = EdgeSource { by: EdgeOrigin::Marker, location: "".into(), line: None, words: String::new() };
    let depends_on =
        after.iter().map(|on| Dependency { on: IssueRef::own(*on).key(), source: source.clone() }).collect();
    ItemSpec {
        key: IssueRef::own(number).key(),
        title: format!("Item {number}"),
        kind: Kind::Implement,
        role: None,
        pinned: None,
        priority: 0,
        body: Text::default(),
        depends_on,
        external: Vec::new(),
        skip: false,
        path_length: 1,
        origin: Origin::Issue(IssueRef::own(number)),
    }
}
