//! `kill -9`, fifty times in a row, at random moments: dispatcher, workers, supervisors, agents, all of them.

use std::time::Duration;

use tinytown_host::process::{ProcessId, Signal, signal};
use tinytown_tests::support::{Town, poll};

const KILLS: u32 = 50;
const ITEMS: u64 = 40;
const WORKERS: u64 = 3;

/// An agent that leaves a process in a session of its own, and that tells on anybody who holds its item
/// at the same time: the process that wrote the item's mark must be dead, or be itself.
const AGENT: &str = r#"cat > /dev/null
mark="$TINYTOWN_DIR/../held-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9)"
if [ -e "$mark" ]; then
    read -r pid started < "$mark"
    stat=$(cat "/proc/$pid/stat" 2> /dev/null)
    now=$(echo "$stat" | cut -d' ' -f22)
    # A dead process that nobody has collected yet holds nothing.
    case "$stat" in *") Z "*) now= ;; esac
    if [ -n "$now" ] && [ "$now" = "$started" ]; then
        echo "$TINYTOWN_ITEM attempt $TINYTOWN_ATTEMPT by $TINYTOWN_AGENT while: $stat" >> "$TINYTOWN_DIR/../twice"
    fi
fi
echo "$$ $(cut -d' ' -f22 /proc/$$/stat)" > "$mark"
setsid sleep 300 < /dev/null > /dev/null 2>&1 &
sleep 0.1
printf '%s\n' "$TINYTOWN_ITEM" > "item-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9).txt"
"#;

/// A small generator of numbers, so that a failing run can be told by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn fifty_kills_at_random_moments_lose_nothing_and_double_nothing() {
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(1, |since| u64::from(since.subsec_nanos()) | 1);
    let mut random = Random(seed);
    let town = busy_town();
    let issues: Vec<u64> = (1..=ITEMS).collect();
    let mission = town.start_mission(&issues, &["--no-reviewer", "--auto-merge", "--max-parallel", "3"]);
    let mut dispatcher = town.dispatcher();
    let mut killed = 0;
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_millis(30 + random.below(170)));
        killed += kill_some(&town, random.below(5), &mut random);
        if !dispatcher.is_running() {
            dispatcher = town.dispatcher();
        }
        revive(&town);
    }
    assert!(killed >= KILLS as usize, "only {killed} processes were killed");
    town.wait_within(Duration::from_mins(2), &mission, |status| status["state"] == "completed");
    let told = format!("seed {seed}, {killed} processes killed\n{}", town.logs());
    check_merges(&town, &told);
    let twice = std::fs::read_to_string(town.path().join("twice")).unwrap_or_default();
    assert_eq!(twice, "", "items were held twice; {told}");
    dispatcher.stop().exits(0);
    for number in 1..=WORKERS {
        town.tt(&["kill", &format!("agent-{number}")]);
    }
    poll(Duration::from_secs(10), || town.processes_left().is_empty().then_some(()));
    assert_eq!(town.processes_left(), [], "{told}");
    assert_eq!(town.git(&["status", "--porcelain", "--untracked-files=no"]), "", "{told}");
}

fn busy_town() -> Town {
    let town = Town::new();
    for number in 1..=ITEMS {
        let after = if number > 3 { format!("Depends on #{}.", number - 3) } else { String::new() };
        town.write(format!("issues/{number}-item.md"), format!("# Item {number}\n\n{after}\n"));
    }
    town.commit("Issues");
    town.configure("policy.max_losses", "10000");
    town.agent_script(AGENT);
    for number in 1..=WORKERS {
        town.spawn_worker(&format!("agent-{number}"), None);
    }
    town
}

/// Kills processes of one sort, or all; tells how many.
fn kill_some(town: &Town, sort: u64, random: &mut Random) -> usize {
    let all = town.processes_left();
    let words = ["mission dispatch", " work ", " supervise", "agent.sh", ""];
    let word = words[usize::try_from(sort).expect("small")];
    let found: Vec<ProcessId> =
        all.into_iter().filter(|found| found.command.contains(word)).map(|found| found.process).collect();
    if found.is_empty() {
        return 0;
    }
    let mut chosen = found;
    if !word.is_empty() {
        let one = random.below(chosen.len() as u64);
        chosen = vec![chosen.swap_remove(usize::try_from(one).expect("small"))];
    }
    let killed = chosen.iter().filter(|process| signal(process, Signal::Kill).unwrap_or(false)).count();
    poll(Duration::from_secs(10), || (!chosen.iter().any(ProcessId::is_alive)).then_some(()));
    killed
}

/// Starts every worker again that is dead; a name whose holder is dead is taken over at once.
fn revive(town: &Town) {
    let left = town.processes_left();
    for number in 1..=WORKERS {
        let name = format!("agent-{number}");
        let serves = |command: &str| command.contains(" work ") && command.ends_with(&format!(" {name}"));
        if !left.iter().any(|found| serves(&found.command)) {
            town.spawn_worker(&name, None);
        }
    }
}

/// Each item was merged exactly once, and what it wrote is there.
fn check_merges(town: &Town, told: &str) {
    let mut numbers: Vec<u64> = town
        .merges()
        .iter()
        .map(|merge| merge.key.trim_start_matches('#').parse().expect("an issue's number"))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=ITEMS).collect::<Vec<_>>(), "{told}");
    for number in 1..=ITEMS {
        assert!(town.repo().join(format!("item-{number}.txt")).exists(), "item {number}: {told}");
    }
}
