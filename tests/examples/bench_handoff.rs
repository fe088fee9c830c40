//! `cargo xtask bench handoff`: from the exit of one item's agent to the start of its dependent's.
//!
//! A chain of twenty items over three workers, check `true`, no reviewer, merged on the local forge,
//! through the real `tt` on SQLite. The agents write down when they begin and end; the history tells the rest.
#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made may end anywhere")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tinytown_core::effect::EffectResult;
use tinytown_core::event::Event;
use tinytown_core::input::{Input, MissionInput};
use tinytown_store::codec::decode;
use tinytown_store::records::StepRecord;
use tinytown_store::{Archive as _, Scope, SqliteStore};

const ITEMS: usize = 20;
const AGENT: &str = r#"date +%s%N > "$TIMES/$TINYTOWN_ITEM.start"
cat > /dev/null
echo done > "$(echo "$TINYTOWN_ITEM" | tr -d '#').txt"
date +%s%N > "$TIMES/$TINYTOWN_ITEM.end"
"#;

/// Milliseconds at which things happened to one item.
#[derive(Debug, Default, Clone)]
struct Marks {
    delivered: f64,
    started_posted: f64,
    submitted_posted: f64,
    submitted: f64,
    published: f64,
    judged: f64,
    merged: f64,
    agent_start: f64,
    agent_end: f64,
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let town = folder.path().join("town");
    make_town(&town, folder.path());
    run(&town, folder.path());
    let marks = read(&town, folder.path());
    tell(&marks);
}

fn make_town(town: &Path, folder: &Path) {
    std::fs::create_dir_all(town.join("issues")).unwrap();
    std::fs::create_dir_all(folder.join("times")).unwrap();
    for number in 1..=ITEMS {
        let after = if number > 1 { format!("Depends on #{}.", number - 1) } else { String::new() };
        let text = format!("# Item {number}\n\n{after}\n");
        std::fs::write(town.join(format!("issues/{number}-item.md")), text).unwrap();
    }
    std::fs::write(folder.join("agent.sh"), AGENT).unwrap();
    git(town, &["init", "-q", "-b", "main"]);
    git(town, &["add", "-A"]);
    git(town, &["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "issues"]);
    tt(town, folder, &["init", "--check", "true"]);
    let config = std::fs::read_to_string(town.join("tinytown.toml")).unwrap();
    let agent = folder.join("agent.sh");
    let cli = format!(
        "\n[cli.script]\ncommand = [\"sh\", {:?}]\nprompt = \"stdin\"\npass_env = [\"TIMES\"]\n",
        agent.display().to_string()
    );
    std::fs::write(town.join("tinytown.toml"), config + &cli).unwrap();
}

fn run(town: &Path, folder: &Path) {
    for name in ["ann", "ben", "cat"] {
        tt(town, folder, &["spawn", name, "--cli", "script"]);
    }
    let mut start = vec!["mission".to_owned(), "start".to_owned()];
    start.extend((1..=ITEMS).flat_map(|number| ["-i".to_owned(), number.to_string()]));
    start.extend(["--no-reviewer".to_owned(), "--auto-merge".to_owned()]);
    tt(town, folder, &start.iter().map(String::as_str).collect::<Vec<_>>());
    tt(town, folder, &["mission", "dispatch", "--until-done"]);
    for name in ["ann", "ben", "cat"] {
        tt(town, folder, &["kill", name]);
    }
}

fn git(town: &Path, words: &[&str]) {
    assert!(Command::new("git").args(words).current_dir(town).status().unwrap().success());
}

fn tt(town: &Path, folder: &Path, words: &[&str]) {
    let here = std::env::current_exe().unwrap();
    let tt: PathBuf = here.parent().and_then(Path::parent).unwrap().join("tt");
    let output = Command::new(tt)
        .args(words)
        .env("TIMES", folder.join("times"))
        .env("TINYTOWN_DIR", town)
        .current_dir(town)
        .output()
        .unwrap();
    assert!(output.status.success(), "tt {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn read(town: &Path, folder: &Path) -> Vec<Marks> {
    let steps = tokio::runtime::Runtime::new().unwrap().block_on(history(town));
    let mut marks: BTreeMap<String, Marks> = BTreeMap::new();
    for step in steps {
        note(&step, &mut marks);
    }
    (1..=ITEMS)
        .map(|number| {
            let mut mark = marks.remove(&format!("#{number}")).unwrap();
            let time = |what: &str| {
                let path = folder.join(format!("times/#{number}.{what}"));
                std::fs::read_to_string(path).unwrap().trim().parse::<f64>().unwrap() / 1e6
            };
            mark.agent_start = time("start");
            mark.agent_end = time("end");
            mark
        })
        .collect()
}

async fn history(town: &Path) -> Vec<StepRecord> {
    let store = SqliteStore::open(&town.join(".tinytown/town.db")).await.unwrap();
    let mission = store.missions(true).await.unwrap().remove(0).id;
    let steps = store.steps(Scope::Mission(mission), 0, 100_000).await.unwrap();
    steps.into_iter().map(|(_, record)| decode("step", &record).unwrap()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
fn note(step: &StepRecord, marks: &mut BTreeMap<String, Marks>) {
    let now = step.now.as_millis() as f64;
    let posted = step.posted_at.map_or(now, |at| at.as_millis() as f64);
    for event in &step.events {
        let Some(item) = event.item() else { continue };
        let mark = marks.entry(item.to_string()).or_default();
        match event {
            Event::ItemDelivered { .. } => mark.delivered = now,
            Event::ItemStarted { .. } => mark.started_posted = posted,
            Event::ItemSubmitted { .. } => (mark.submitted_posted, mark.submitted) = (posted, now),
            Event::PullPublished { .. } => mark.published = now,
            Event::ChecksSeen { .. } | Event::PullSeen { .. } => mark.judged = now,
            Event::ItemDone { .. } => mark.merged = now,
            _ => {}
        }
    }
    if let Input::Mission {
        what: MissionInput::Effect { result: EffectResult::Failed { detail, .. }, .. },
        ..
    } = &step.input
    {
        println!("the forge failed: {detail}");
    }
}

/// What passed between an item and its dependent.
type Part = fn(&Marks, &Marks) -> f64;

fn tell(marks: &[Marks]) {
    let parts: [(&str, Part); 9] = [
        ("agent exits -> work collected and posted", |a, _| a.submitted_posted - a.agent_end),
        ("posted -> applied (waiting)", |a, _| a.submitted - a.submitted_posted),
        ("publish: branch and pull request", |a, _| a.published - a.submitted),
        ("check `true` in a checkout, and look", |a, _| a.judged - a.published),
        ("merge", |a, _| a.merged - a.judged),
        ("base for the dependent", |a, b| b.delivered - a.merged),
        ("committed -> received (waiting)", |_, b| b.started_posted - b.delivered),
        ("checkout, supervisor, agent starts", |_, b| b.agent_start - b.started_posted),
        ("agent exits -> dependent's agent starts", |a, b| b.agent_start - a.agent_end),
    ];
    println!("| part, ms | median | most |\n|---|---|---|");
    for (name, part) in parts {
        let mut times: Vec<f64> = marks.windows(2).map(|pair| part(&pair[0], &pair[1])).collect();
        times.sort_by(f64::total_cmp);
        println!("| {name} | {:.1} | {:.1} |", times[times.len() / 2], times[times.len() - 1]);
    }
}
