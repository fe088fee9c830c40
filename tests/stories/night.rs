//! A mission left alone for a night: some items that nobody can do, checks that fail for reasons of their own, one
//! slow reviewer, and nobody who answers. It ends by itself, and its report says what came of everything.
//! The figures: `cargo test -p tinytown-tests --test stories night -- --nocapture`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use tinytown_core::time::Time;
use tinytown_tests::support::Town;

/// Most launches of an item that its agent may end, and that are lost.
const MAX_ATTEMPTS: u64 = 2;
const MAX_LOSSES: u64 = 3;
/// For how long nothing may be said while work is ready.
const WATCHDOG: Duration = Duration::from_secs(20);

const WORKERS: [&str; 4] = ["ann", "ben", "cleo", "dan"];

const POLICY: &str = "[policy]
auto_merge = true
max_parallel = 4
max_attempts = 2
max_losses = 3
person_wait_secs = 0
watchdog_secs = 20
watch_interval_secs = 1
item_timeout_secs = 60
stall_timeout_secs = 60
";

/// Whatever is poison is so in one of three ways; the list names them as `N:way:`.
const AGENT: &str = r#"cat > /dev/null
number=${TINYTOWN_ITEM#?}; number=${number%%/*}
case "$TINYTOWN_KIND" in
review) sleep 0.7; printf '{"outcome": "approve", "summary": "fine"}' > "$TINYTOWN_RESULT"; exit 0 ;;
fix) echo "$TINYTOWN_ITEM" > "fixes-$number.txt"; exit 0 ;;
esac
case "$(grep "^$number:" "$TINYTOWN_DIR/../poison")" in
*:exits:) exit 3 ;;
*:idles:) exit 0 ;;
esac
sleep 0.1
echo "$TINYTOWN_ITEM" > "item-$number.txt"
"#;

/// Every fourth item's first check meets a broken network, and others' one that is not there yet.
const CHECK: &str = r#"number=${TINYTOWN_ITEM#?}; number=${number%%/*}
grep -q "^$number:red:" "$HOME/../poison" && { echo "assertion failed: item $number"; exit 1; }
[ -e "$HOME/checked-$number" ] && exit 0
touch "$HOME/checked-$number"
case $((number % 8)) in
1 | 5) echo "fetching: Connection reset by peer"; exit 1 ;;
2) exit 127 ;;
esac
"#;

/// How an item cannot be done: its agents fail, do nothing, or their work never passes.
type Poison = BTreeMap<u64, &'static str>;

/// A graph in layers: each item builds upon the one above it, every third also upon that one's neighbour.
struct Night {
    items: u64,
    width: u64,
    poison: Poison,
}

impl Night {
    fn needs(&self, number: u64) -> Vec<u64> {
        let above = number.checked_sub(self.width).filter(|above| *above > 0);
        let is_third = number.is_multiple_of(3) && !(number - 1).is_multiple_of(self.width);
        let neighbour = above.filter(|_| is_third).map(|above| above - 1);
        above.into_iter().chain(neighbour).collect()
    }

    /// The poison upon which it builds, however far below.
    fn roots(&self, number: u64) -> BTreeSet<String> {
        let of = |need: &u64| {
            let is_poison = self.poison.contains_key(need);
            if is_poison { BTreeSet::from([format!("#{need}")]) } else { self.roots(*need) }
        };
        self.needs(number).iter().flat_map(of).collect()
    }

    /// Whatever builds upon poison.
    fn skipped(&self) -> BTreeSet<u64> {
        let mut out = BTreeSet::new();
        for number in 1..=self.items {
            if self.needs(number).iter().any(|need| out.contains(need) || self.poison.contains_key(need)) {
                out.insert(number);
            }
        }
        out
    }

    fn done(&self) -> BTreeSet<u64> {
        let skipped = self.skipped();
        let is_done = |number: &u64| !self.poison.contains_key(number) && !skipped.contains(number);
        (1..=self.items).filter(is_done).collect()
    }

    fn town(&self) -> Town {
        let town = Town::new();
        for number in 1..=self.items {
            let needs: Vec<String> = self.needs(number).iter().map(|need| format!("#{need}")).collect();
            let after = if needs.is_empty() { String::new() } else { format!("After {}.", needs.join(", ")) };
            town.write(format!("issues/{number}-item.md"), format!("# Item {number}\n\n{after}\n"));
        }
        let list: Vec<String> =
            self.poison.iter().map(|(number, way)| format!("{number}:{way}:\n")).collect();
        town.write(town.path().join("poison"), list.concat());
        town.write("mission.toml", POLICY);
        town.write("check.sh", CHECK);
        town.commit("Issues, a manifest and a check");
        town.check("exec sh ./check.sh");
        town.agent_script(AGENT);
        for name in WORKERS {
            town.spawn_worker(name, None);
        }
        town.spawn_worker("rita", Some("reviewer"));
        town
    }

    fn run(&self) {
        let town = self.town();
        let issues: Vec<u64> = (1..=self.items).collect();
        let mission = town.start_mission(&issues, &["-m", "mission.toml"]);
        let began = Instant::now();
        let dispatch = town.start(town.tt_command(&["mission", "dispatch", "--until-done"]));
        dispatch.wait(Duration::from_mins(4)).exits(1);
        let took = began.elapsed();
        let report = town.json(&["mission", "report", &mission]);
        self.is_reported(&report);
        self.is_told(&town.tt(&["mission", "report", &mission]).exits(0).stdout);
        self.is_merged(&town, &report);
        let log = town.json(&["mission", "log", &mission]);
        self.is_calm(log["events"].as_array().expect("events"), took);
    }

    /// Says that budgets were kept, and that nothing was waited for in silence; prints the figures.
    #[expect(clippy::print_stdout, reason = "figures, shown with --nocapture")]
    fn is_calm(&self, events: &[Value], took: Duration) {
        let launches = within_budget(events);
        let silence = longest_silence(events);
        assert!(silence <= WATCHDOG, "nothing was said for {silence:?} while work was ready");
        let (items, poison, skipped) = (self.items, self.poison.len(), self.skipped().len());
        println!("{items} items, {poison} poison, {skipped} skipped; {launches} launches in {took:.1?}");
        println!("{} events; silent for {silence:.1?} at most while work was ready", events.len());
    }

    /// Says that the report tells of each item what came of it, and why.
    fn is_reported(&self, report: &Value) {
        assert_eq!(report["state"], "failed", "{report:#}");
        let lacking = self.poison.len() + self.skipped().len();
        assert_eq!(report["reason"], format!("{lacking} items could not be done"), "{report:#}");
        self.is_summed_up(report);
        for number in 1..=self.items {
            let item = find(report, &format!("#{number}"));
            match self.poison.get(&number) {
                Some(way) => is_poison(item, way),
                None if self.skipped().contains(&number) => is_skipped(item, &self.roots(number)),
                None => is_done(item),
            }
        }
    }

    /// Says that what needs a person is what failed, with all that fell, and that no launch is missing.
    fn is_summed_up(&self, report: &Value) {
        let all = |name: &str| report[name].as_array().cloned().unwrap_or_default();
        let failed: BTreeSet<String> =
            all("needs").iter().filter_map(|need| need["item"].as_str().map(str::to_owned)).collect();
        let poison: BTreeSet<String> = self.poison.keys().map(|number| format!("#{number}")).collect();
        assert_eq!(failed, poison, "{report:#}");
        let fallen: usize =
            all("needs").iter().filter_map(|need| Some(need["skipped_for_it"].as_array()?.len())).sum();
        assert_eq!(fallen, self.skipped().len(), "{report:#}");
        let launches: u64 = all("agents").iter().filter_map(|agent| agent["launches"].as_u64()).sum();
        assert_eq!(report["launches"], launches, "{report:#}");
        let merged: Vec<Value> = all("merges").iter().map(|merge| merge["item"].clone()).collect();
        assert_eq!(report["merged"], Value::from(merged));
    }

    /// Says that its words do, too.
    fn is_told(&self, words: &str) {
        assert!(words.contains(" failed: "), "{words}");
        for number in self.skipped() {
            let line = format!("#{number}: Item {number} · skipped: something it depends on failed");
            assert!(words.contains(&line), "no {line:?} in:\n{words}");
        }
        for (number, way) in &self.poison {
            let line = format!("#{number}: Item {number} · failed: {}", reason(way));
            assert!(words.contains(&line), "no {line:?} in:\n{words}");
        }
    }

    /// Says that the base holds the work on what was done, and no other; merged as the report says.
    fn is_merged(&self, town: &Town, report: &Value) {
        let keys: Vec<String> = town.merges().into_iter().map(|merge| merge.key).collect();
        assert_eq!(report["merged"], serde_json::json!(keys));
        let listed = town.git(&["ls-tree", "--name-only", "refs/heads/main"]);
        let number = |file: &str| file.strip_prefix("item-")?.strip_suffix(".txt")?.parse().ok();
        let files: BTreeSet<u64> = listed.lines().filter_map(number).collect();
        assert_eq!(files, self.done());
        assert!(!listed.contains("fixes-"), "{listed}");
        assert_eq!(town.git(&["status", "--porcelain"]), "");
    }
}

#[track_caller]
fn find<'a>(report: &'a Value, key: &str) -> &'a Value {
    let items = report["work_items"].as_array().expect("items");
    items.iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("no {key} in {report:#}"))
}

/// How the reason begins for which an item failed.
fn reason(way: &str) -> &'static str {
    match way {
        "exits" => "2 of 2 attempts failed, the last: exit",
        "idles" => "2 of 2 attempts failed, the last: nothing-done",
        _ => "2 of 2 fixes",
    }
}

#[track_caller]
fn is_poison(item: &Value, way: &str) {
    assert_eq!((&item["state"], &item["outcome"]), (&"failed".into(), &Value::Null), "{item:#}");
    let why = item["failed"].as_str().unwrap_or_default();
    assert!(why.starts_with(reason(way)), "{item:#}");
    let (failed, handed_in) = if way == "red" { (0, 1) } else { (MAX_ATTEMPTS, 0) };
    tried(item, failed, handed_in);
}

#[track_caller]
fn is_skipped(item: &Value, roots: &BTreeSet<String>) {
    let why = (&item["state"], &item["skipped"], &item["launches"]);
    assert_eq!(why, (&"skipped".into(), &"dependency-failed".into(), &0.into()), "{item:#}");
    assert_eq!((&item["agents"], &item["began_at"]), (&serde_json::json!([]), &Value::Null), "{item:#}");
    assert!(roots.contains(item["skipped_for"].as_str().unwrap_or_default()), "not for {roots:?}: {item:#}");
    assert_eq!(item["waits"][0]["code"], "dependency", "{item:#}");
}

#[track_caller]
fn is_done(item: &Value) {
    assert_eq!((&item["state"], &item["outcome"]), (&"done".into(), &"merged".into()), "{item:#}");
    assert!(
        item["pull_request"].is_u64() && item["skipped"].is_null() && item["failed"].is_null(),
        "{item:#}"
    );
    tried(item, 0, 1);
}

/// Says that it is told how often it was tried, by whom, from when to when.
#[track_caller]
fn tried(item: &Value, failed: u64, handed_in: u64) {
    let lost = item["losses"].as_u64().expect("a number");
    let launches = (&item["attempts"], &item["launches"]);
    assert_eq!(launches, (&failed.into(), &(failed + lost + handed_in).into()), "{item:#}");
    let agents = item["agents"].as_array().expect("agents");
    assert!(!agents.is_empty() && item["began_at"].is_string() && item["over_at"].is_string(), "{item:#}");
}

/// Says that nothing, follow-ups too, was launched more often than allowed; how often in all.
#[track_caller]
fn within_budget(events: &[Value]) -> u64 {
    let mut launches: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events.iter().filter(|event| event["type"] == "item-assigned") {
        *launches.entry(event["item"].as_str().expect("a key")).or_default() += 1;
    }
    let most = MAX_ATTEMPTS + MAX_LOSSES;
    assert!(launches.values().all(|times| *times <= most), "{launches:#?}");
    launches.values().sum()
}

/// The longest time between two events while an item was ready that nobody had.
fn longest_silence(events: &[Value]) -> Duration {
    let at = |event: &Value| serde_json::from_value::<Time>(event["at"].clone()).expect("a time");
    let (mut ready, mut longest) = (BTreeSet::new(), Duration::ZERO);
    for pair in events.windows(2) {
        let item = pair[0]["item"].as_str().unwrap_or_default();
        match pair[0]["type"].as_str().unwrap_or_default() {
            "item-ready" | "backoff-ended" | "attempt-lost" | "attempt-cancelled" => ready.insert(item),
            "item-assigned" | "item-skipped" | "item-failed" => ready.remove(item),
            _ => false,
        };
        if !ready.is_empty() {
            longest = longest.max(at(&pair[1]).since(at(&pair[0])));
        }
    }
    longest
}

#[test]
fn forty_items_of_which_eight_are_poison_end_by_themselves_and_are_reported() {
    let ways = ["exits", "idles", "red"];
    let poison = [14, 17, 28, 31, 34, 35, 37, 40].into_iter().zip(ways.into_iter().cycle()).collect();
    Night { items: 40, width: 8, poison }.run();
}
