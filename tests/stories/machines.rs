//! A town on several machines: their links are cut and healed, their processes killed, and what comes of
//! it is what would have come of it otherwise.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;
use tinytown_host::process::Signal;
use tinytown_store::testing::rounds;
use tinytown_tests::support::{Machine, Network, Running, poll};

/// Of dispatchers and agents.
const LEASE: Duration = Duration::from_secs(2);

/// An agent that takes a moment.
const AGENT: &str = r#"cat > /dev/null
sleep 0.3
printf '%s\n' "$TINYTOWN_ITEM" > "item-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9).txt"
"#;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn issues(items: u64) -> impl Iterator<Item = (u64, String)> {
    (1..=items).map(|number| {
        let after = if number > 4 { format!("Depends on #{}.", number - 4) } else { String::new() };
        (number, format!("# Item {number}\n\n{after}\n"))
    })
}

#[expect(clippy::print_stderr, reason = "what a campaign measured is for the person who runs it")]
fn tell(what: &str) {
    eprintln!("{what}");
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| u64::from(since.subsec_nanos()) | 1)
}

#[test]
fn a_town_on_three_machines_outlives_cut_links_and_killed_processes() {
    let network = Network::new();
    let items = u64::from(rounds(12, 200));
    let first = network.found(LEASE, issues(items));
    first.agent_script(AGENT);
    let machines = [network.join(), network.join(), first];
    let mut town = Trouble { machines: &machines, dispatchers: [None, None], random: Random(seed()) };
    let mut told = format!("seed {}, namespaces: {}", town.random.0, network.cuts_git());
    for number in 0..machines.len() {
        town.staff(number);
    }
    let all: Vec<u64> = (1..=items).collect();
    let mission = machines[0].start_mission(&all, &["--no-reviewer", "--auto-merge", "--max-parallel", "3"]);
    for round in 0..rounds(3, 60) {
        let _ = write!(told, "\nround {round}: {}", town.round());
    }
    let limit = Duration::from_mins(2);
    machines[2].wait_within(limit, &mission, |status| status["state"] == "completed");
    check(&network, items, &told);
    end(&machines, &told);
}

/// Each item is merged, and once.
fn check(network: &Network, items: u64, told: &str) {
    let mut merged: Vec<String> = network.merges().into_iter().map(|merge| merge.key).collect();
    merged.sort();
    let mut expected: Vec<String> = (1..=items).map(|number| format!("#{number}")).collect();
    expected.sort();
    assert_eq!(merged, expected, "{told}");
}

/// What runs is asked to end, and nothing is left.
fn end(machines: &[Machine], told: &str) {
    for machine in machines {
        machine.signal("mission dispatch", Signal::Terminate);
        machine.signal(" work ", Signal::Terminate);
        poll(Duration::from_secs(10), || machine.processes_left().is_empty().then_some(()));
        assert_eq!(machine.processes_left(), [], "{told}");
    }
}

/// What happens to machines.
struct Trouble<'a> {
    machines: &'a [Machine; 3],
    /// On the first two.
    dispatchers: [Option<Running>; 2],
    random: Random,
}

impl Trouble<'_> {
    /// Starts what does not run on a machine.
    fn staff(&mut self, number: usize) {
        let machine = &self.machines[number];
        if let Some(dispatcher) = self.dispatchers.get_mut(number)
            && !dispatcher.as_mut().is_some_and(Running::is_running)
        {
            *dispatcher = Some(machine.dispatch());
        }
        let works = machine.processes_left().iter().any(|found| found.command.contains(" work "));
        if !works {
            machine.spawn_worker(&format!("agent-{number}"), None);
        }
    }

    /// One misfortune, mended; what it was.
    fn round(&mut self) -> String {
        std::thread::sleep(Duration::from_millis(300 + self.random.below(900)));
        let number = usize::try_from(self.random.below(3)).expect("small");
        let machine = &self.machines[number];
        let words = ["mission dispatch", " work ", " supervise", "agent.sh", ""];
        let choice = usize::try_from(self.random.below(2 * words.len() as u64)).expect("small");
        let Some(word) = words.get(choice) else {
            // Shorter and longer than a lease.
            let away = Duration::from_millis(500 + self.random.below(5000));
            machine.cut();
            std::thread::sleep(away);
            machine.heal();
            return format!("machine {number} was cut off for {away:?}");
        };
        let killed = machine.signal(word, Signal::Kill);
        self.staff(number);
        format!("{killed} killed on machine {number} ({word:?})")
    }
}

/// A mission on three machines that need no care: dispatchers on the first two, a worker on the third.
fn quiet(network: &Network, items: u64, agent: &str) -> [Machine; 3] {
    let first = network.found(LEASE, issues(items));
    first.agent_script(agent);
    let machines = [network.join(), network.join(), first];
    machines[2].spawn_worker("agent", None);
    machines
}

fn start(machine: &Machine, items: u64) -> String {
    let all: Vec<u64> = (1..=items).collect();
    machine.start_mission(&all, &["--no-reviewer", "--auto-merge"])
}

/// How often a dispatcher has said that it is the one.
fn has_led(dispatcher: &Running) -> usize {
    dispatcher.said().matches("Dispatching.").count()
}

/// How often it has said that another is.
fn stands_by(dispatcher: &Running) -> usize {
    dispatcher.said().matches("Standing by").count()
}

#[test]
fn a_standby_takes_over_from_one_that_is_killed_or_stands_still_and_nothing_is_decided_twice() {
    let network = Network::new();
    let items = u64::from(rounds(4, 150));
    let machines = quiet(&network, items, AGENT);
    let mission = start(&machines[0], items);
    let mut leads = machines[0].dispatch();
    poll(Duration::from_secs(10), || (has_led(&leads) == 1).then_some(())).expect("the first one leads");
    let mut at = 0;
    let mut took = Vec::new();
    for round in 0..rounds(2, 200) {
        let next = machines[1 - at].dispatch();
        poll(Duration::from_secs(10), || next.said().contains("Standing by").then_some(()))
            .expect("it stands by");
        let which = if round % 2 == 0 { Signal::Kill } else { Signal::Stop };
        let began = Instant::now();
        assert_eq!(machines[at].signal("mission dispatch", which), 1);
        let over = poll(Duration::from_secs(20), || (has_led(&next) == 1).then(|| began.elapsed()));
        took.push(over.unwrap_or_else(|| panic!("nobody took over: {}", next.said())));
        if which == Signal::Stop {
            // It wakes up in the middle of what it was doing, and has to find out.
            let before = stands_by(&leads);
            machines[at].signal("mission dispatch", Signal::Continue);
            let found_out = poll(Duration::from_secs(10), || (stands_by(&leads) > before).then_some(()));
            assert!(
                found_out.is_some(),
                "round {round}: it does not know that it is not the one: {}\nthe other: {}\n{:#?}\n{}",
                leads.said(),
                next.said(),
                machines[at].processes_left(),
                machines[at].states("mission dispatch"),
            );
            machines[at].signal("mission dispatch", Signal::Terminate);
            leads.wait(Duration::from_secs(20)).exits(0);
        }
        leads = next;
        at = 1 - at;
    }
    took.sort();
    tell(&format!("taken over after {:?} (median), {:?} (most)", took[took.len() / 2], took[took.len() - 1]));
    assert!(took[took.len() - 1] <= LEASE + Duration::from_secs(1), "{took:?}");
    let limit = Duration::from_mins(2);
    machines[1].wait_within(limit, &mission, |status| status["state"] == "completed");
    check(&network, items, "");
    once_each(&machines[1], &mission, items);
    end(&machines, "");
}

/// Every item was assigned, handed in and done once: the worker was well all the time.
fn once_each(machine: &Machine, mission: &str, items: u64) {
    let log = machine.json(&["mission", "log", mission]);
    let events = log["events"].as_array().expect("events");
    for kind in ["item-assigned", "item-submitted", "item-done"] {
        let count = events.iter().filter(|event| event["type"] == kind).count();
        assert_eq!(count as u64, items, "{kind}: {log:#}");
    }
}

#[test]
fn a_live_worker_is_not_robbed_through_an_outage_of_redis() {
    let mut network = Network::new();
    let away = Duration::from_secs(u64::from(rounds(3, 60)));
    let agent = format!("{AGENT}sleep {}\n", away.as_secs() + 3);
    let machines = quiet(&network, 1, &agent);
    let mission = start(&machines[0], 1);
    let _dispatcher = machines[0].dispatch();
    machines[2].wait_until(&mission, |status| status["work_items"][0]["state"] == "running");
    network.redis().kill();
    std::thread::sleep(away);
    network.redis().restart();
    let limit = Duration::from_mins(2);
    let status = machines[1].wait_within(limit, &mission, |status| status["state"] == "completed");
    let item = &status["work_items"][0];
    assert_eq!((&item["attempt"], &item["losses"]), (&1.into(), &0.into()), "{status:#}");
    check(&network, 1, "");
    end(&machines, "");
}

#[test]
fn the_item_of_a_worker_that_died_with_its_machine_is_free_within_the_lease_and_a_second() {
    let network = Network::new();
    let machines = quiet(&network, 1, &format!("{AGENT}[ \"$TINYTOWN_AGENT\" != agent ] || sleep 60\n"));
    let mission = start(&machines[0], 1);
    let _dispatcher = machines[0].dispatch();
    for round in 1..=rounds(1, 20) {
        let item = |status: &Value| status["work_items"][0].clone();
        machines[0].wait_until(&mission, |status| item(status)["state"] == "running");
        assert_ne!(machines[2].signal("", Signal::Kill), 0);
        let began = Instant::now();
        machines[0].wait_until(&mission, |status| item(status)["losses"] == round);
        let took = began.elapsed();
        tell(&format!("free after {took:?}"));
        // A command that tells takes its time too, on a busy machine.
        assert!(took <= LEASE + Duration::from_secs(1), "{took:?}");
        machines[2].spawn_worker("agent", None);
    }
    machines[1].spawn_worker("other", None);
    assert_ne!(machines[2].signal("", Signal::Kill), 0);
    machines[0].wait_within(Duration::from_mins(1), &mission, |status| status["state"] == "completed");
    check(&network, 1, "");
    end(&machines, "");
}

#[test]
fn a_redis_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let mut network = Network::new();
    let items = u64::from(rounds(4, 60));
    let machines = quiet(&network, items, AGENT);
    let mission = start(&machines[0], items);
    let _dispatchers = [machines[0].dispatch(), machines[1].dispatch()];
    let mut random = Random(seed());
    let told = format!("seed {}", random.0);
    for _ in 0..rounds(3, 50) {
        std::thread::sleep(Duration::from_millis(100 + random.below(900)));
        network.redis().kill();
        std::thread::sleep(Duration::from_millis(random.below(1500)));
        network.redis().restart();
    }
    let limit = Duration::from_mins(2);
    machines[2].wait_within(limit, &mission, |status| status["state"] == "completed");
    check(&network, items, &told);
    once_each(&machines[2], &mission, items);
    end(&machines, &told);
}
