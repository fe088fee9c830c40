//! The fake passes the conformance suite, also when every changing call is made twice.

use std::sync::Arc;

use async_trait::async_trait;
use tinytown_core::id::{ItemKey, Sha};
use tinytown_core::issue::{Issue, IssueRef, IssueState};
use tinytown_core::observation::{CheckReport, Checks, PullState};
use tinytown_core::text::Text;
use tinytown_forge::conformance::scene::{merging, open, publication};
use tinytown_forge::conformance::{Harness, Verdict};
use tinytown_forge::{
    Always, CallName, FakeForge, Fault, Faulty, Forge, ForgeError, MergeOutcome, PublishOutcome,
};

struct InMemory {
    fake: FakeForge,
    /// What happens to each changing call.
    fault: Fault,
}

fn in_memory() -> InMemory {
    InMemory { fake: FakeForge::new(), fault: Fault::None }
}

fn repeating() -> InMemory {
    InMemory { fault: Fault::Repeat, ..in_memory() }
}

#[async_trait]
impl Harness for InMemory {
    async fn forge(&self) -> Arc<dyn Forge> {
        let fault = self.fault;
        let changing = |call| matches!(call, CallName::Base | CallName::Publish | CallName::Merge);
        Arc::new(Faulty::new(
            self.fake.clone(),
            move |call, _| if changing(call) { fault } else { Fault::None },
        ))
    }

    async fn forge_without_checks(&self) -> Arc<dyn Forge> {
        self.fake.set_checks(Checks::NotRequired);
        self.forge().await
    }

    async fn base(&self) -> Sha {
        self.fake.base_tip()
    }

    async fn commit(&self, parents: &[&Sha], files: &[(&str, &str)]) -> Sha {
        let touched: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        self.fake.commit(parents, &touched)
    }

    async fn judged_commit(&self, parent: &Sha, verdict: Verdict) -> Sha {
        let head = self.fake.commit(&[parent], &["judged"]);
        let output = Text::inline("the answer is 41\n");
        let report = CheckReport::new("check", "it failed", output);
        let answer = match verdict {
            Verdict::Green => Checks::Green,
            Verdict::Red => Checks::Red(report),
            Verdict::CouldNotRun => Checks::CouldNotRun(report),
        };
        self.fake.script_checks(&head, [answer]);
        head
    }

    async fn check_runs(&self, head: &Sha) -> usize {
        self.fake.check_runs(head)
    }

    async fn contains(&self, descendant: &Sha, ancestor: &Sha) -> bool {
        self.fake.contains(descendant, ancestor)
    }

    async fn branch(&self, name: &str) -> Option<Sha> {
        self.fake.branch(name)
    }

    async fn push(&self, name: &str, to: &Sha) {
        self.fake.push(name, Some(to));
    }

    async fn move_base(&self, to: &Sha) {
        self.fake.move_base(to);
    }

    async fn close(&self, pull: u64) {
        self.fake.close(pull);
    }

    async fn pulls(&self) -> usize {
        self.fake.pulls().len()
    }

    async fn merges_of(&self, item: &ItemKey) -> usize {
        self.fake.merges().iter().filter(|merge| merge.item == *item).count()
    }

    async fn put_issue(&self, number: u64, title: &str, body: &str, open: bool) {
        self.fake.put_issue(Issue {
            reference: IssueRef::own(number),
            title: title.to_owned(),
            body: body.to_owned(),
            labels: Vec::new(),
            state: if open { IssueState::Open } else { IssueState::Closed },
            location: format!("fake/issues/{number}"),
            body_line: 1,
        });
    }
}

tinytown_forge::conformance!(fake, in_memory());
tinytown_forge::conformance!(fake_with_every_change_made_twice, repeating());

#[tokio::test]
async fn a_call_that_executes_and_then_fails_has_happened() {
    let fails_after = |call, _| if call == CallName::Publish { Fault::FailAfter } else { Fault::None };
    let forge = Faulty::new(FakeForge::new(), fails_after);
    let fake = forge.inner();
    let head = fake.commit(&[&fake.base_tip()], &["a"]);
    let answer = forge.publish(&publication(2, None, &head), &Always).await;
    assert!(matches!(answer, Err(ForgeError::Unavailable(_))));
    assert_eq!(fake.pulls().len(), 1);
    let fails_before = Faulty::new(fake.clone(), |_, _| Fault::FailBefore);
    assert!(fails_before.publish(&publication(3, None, &head), &Always).await.is_err());
    assert_eq!(fake.pulls().len(), 1);
}

#[tokio::test]
async fn people_can_merge_by_hand_delete_branches_and_be_in_the_way() {
    let harness = in_memory();
    let scene = open(&harness, &["a"].map(|name| (name, ""))).await;
    harness.fake.set_base_busy(Some("your changes would be overwritten"));
    assert!(
        matches!(scene.merge().await, MergeOutcome::BaseCheckoutBusy(words) if words.contains("your changes"))
    );
    harness.fake.set_base_busy(None);
    let commit = harness.fake.merge_by_hand(scene.pull.number).unwrap();
    let request = merging(2, scene.pull.number, &scene.pull.head);
    assert_eq!(harness.fake.merge(&request, &Always).await, Ok(MergeOutcome::Merged(Some(commit))));
    assert_eq!(harness.fake.merge_by_hand(scene.pull.number), None);
    harness.fake.push(&scene.pull.branch, None);
    assert!(matches!(harness.fake.pulls()[0].state, PullState::Merged(_)));
}

#[tokio::test]
async fn scripted_checks_answer_in_order_and_the_last_answer_stays() {
    let fake = FakeForge::new();
    let head = fake.commit(&[&fake.base_tip()], &["a"]);
    let Ok(PublishOutcome::Published(pull)) = fake.publish(&publication(2, None, &head), &Always).await
    else {
        panic!("it is published")
    };
    fake.script_checks(&head, [Checks::Pending, Checks::Pending, Checks::Green]);
    for expected in [Checks::Pending, Checks::Pending, Checks::Green, Checks::Green] {
        let got = tinytown_forge::conformance::scene::check(&fake, pull.number, &head, false).await;
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn the_same_calls_give_the_same_names() {
    let run = || async {
        let harness = in_memory();
        let scene = open(&harness, &[("a", "")]).await;
        (scene.merge().await, harness.base().await)
    };
    assert_eq!(run().await, run().await);
}
