//! What the configuration file says, what `init` writes, and what `tt config KEY VALUE` changes.

use super::*;

fn template() -> String {
    let config = Config::parse("name = \"shop-main\"", FILE).expect("a minimal file");
    Template { config: &config }.render()
}

#[test]
fn a_new_file_holds_every_key_and_says_what_the_defaults_say() {
    insta::assert_snapshot!(template(), @r#"
    # What this town is made of. `tt config` shows it, `tt config KEY VALUE` changes it.
    name = "shop-main"
    default_cli = "claude"  # what `tt spawn` starts without --cli

    [store]
    url = "sqlite:.tinytown/town.db"  # or redis://host:6379/0, rediss://…, redis+unix:///path/redis.sock ; TINYTOWN_STORE overrides it

    [forge]
    kind = "local"  # "local" or "github"
    base = "main"  # the branch into which work is merged
    # remote = "origin"  # local: where workers on other machines meet
    issues = "issues"  # local: folder of NUMBER-any-slug.md
    # check = "cargo test"  # local: what CI means, run with sh -c at the exact commit
    # repo = "owner/name"  # github; default: from origin
    api_url = "https://api.github.com"  # github; Enterprise or a test server
    trusted_authors = ["OWNER", "MEMBER", "COLLABORATOR"]  # github

    [policy]
    max_parallel = 2  # most agents of one mission at work at once
    reviewer_required = true
    reviewers = 1  # how many different agents must approve
    independent_cli = false  # reviewers run another CLI than the author
    bugbots = ["*bugbot*", "cursor[bot]"]  # authors whose comments must be answered
    auto_merge = false  # whether done means merged, or accepted and left to a person
    watch_interval_secs = 180
    max_attempts = 3
    max_losses = 10
    item_timeout_secs = 7200
    stall_timeout_secs = 600
    check_reruns = 2  # of what could not run, or looks like the network
    conductor_wait_secs = 900  # then a person is asked
    person_wait_secs = 259200  # then the item fails; 0: at once
    watchdog_secs = 1800
    max_launches = 0  # of a mission; here and below 0 means no limit
    max_item_secs = 0  # from its first launch to its last
    max_mission_secs = 0
    max_item_tokens = 0  # as far as agents report them
    max_mission_tokens = 0
    max_item_usd = 0.0
    max_mission_usd = 0.0

    [timing]
    dispatcher_lease_ms = 10000
    agent_lease_ms = 30000
    "#);
    let read = Config::parse(&template(), FILE).expect("valid");
    assert_eq!(read, Config::parse("name = \"shop-main\"", FILE).expect("a minimal file"));
}

#[test]
fn values_with_quotes_survive_the_new_file() {
    let mut config = Config::parse("name = \"x\"", FILE).expect("a minimal file");
    config.forge.check = Some("sh -c \"echo '\\\\'\" # not a comment\nnext".to_owned());
    let text = Template { config: &config }.render();
    assert_eq!(Config::parse(&text, FILE).as_ref(), Ok(&config), "{text}");
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    for (text, line, key) in [
        ("name = \"x\"\nnmae = 1\n", 2, "nmae"),
        ("name = \"x\"\n\n[policy]\nmax_parallel = 1\nmax_paralel = 1\n", 5, "max_paralel"),
        ("name = \"x\"\n[forge]\n\nkind = \"local\"\ntoken = \"t\"", 5, "token"),
        ("name = \"x\"\n[cli.a]\ncommand = [\"sh\"]\nenv = 1", 4, "env"),
        ("name = \"x\"\n[plicy]\n", 2, "plicy"),
    ] {
        let error = Config::parse(text, FILE).expect_err(text).to_string();
        assert!(error.starts_with(&format!("tinytown.toml:{line}: ")) && error.contains(key), "{error}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_by_name() {
    for (text, key) in [
        ("name = \"a b\"", "name"),
        ("name = \"x\"\n[policy]\nmax_parallel = 0", "max_parallel"),
        ("name = \"x\"\n[timing]\nagent_lease_ms = 1", "timing.agent_lease_ms"),
        ("name = \"x\"\n[store]\nurl = \"town.db\"", "store.url"),
        ("name = \"x\"\n[forge]\nbase = \"-x\"", "forge.base"),
        ("name = \"x\"\n[forge]\nissues = \"../x\"", "forge.issues"),
        ("name = \"x\"\n[forge]\nissues = \"/etc\"", "forge.issues"),
        ("name = \"x\"\n[forge]\nrepo = \"x\"", "forge.repo"),
        ("name = \"x\"\n[cli.mine]\ncommand = []", "cli.mine.command"),
    ] {
        let error = Config::parse(text, FILE).expect_err(text).to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn a_changed_key_keeps_comments_and_order() {
    let text = "# mine\nname = \"x\" # the name\n\n[policy]\nmax_parallel = 2 # few\n";
    let changed = set(text, FILE, "policy.max_parallel", "4").expect("valid");
    assert_eq!(changed, text.replace("= 2 #", "= 4 #"));
    let added = set(&changed, FILE, "forge.check", "cargo test").expect("valid");
    assert!(added.starts_with(&changed) && added.ends_with("[forge]\ncheck = \"cargo test\"\n"), "{added}");
}

#[test]
fn a_text_that_looks_like_a_number_stays_text_where_text_belongs() {
    let changed = set("name = \"x\"\n", FILE, "name", "123").expect("valid");
    assert_eq!(changed, "name = \"123\"\n");
}

#[test]
fn an_invalid_change_is_refused_with_the_reason() {
    let error =
        |key: &str, value: &str| set("name = \"x\"\n", FILE, key, value).expect_err("refused").to_string();
    assert!(error("policy.max_parallel", "0").contains("must be 1 to 1000"));
    assert!(error("policy.max_parallel", "many").contains("tinytown.toml:"));
    assert!(error("policy.speed", "1").contains("unknown field `speed`"));
    assert!(error("policy", "1").contains("tinytown.toml:"));
    assert!(error("name.x", "1").contains("names no value"));
    assert!(error("", "1").contains("names no value"));
}
