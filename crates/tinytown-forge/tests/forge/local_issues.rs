//! Issues as files in a real folder.

use tinytown_core::issue::{Issue, IssueRef, IssueState, RepoName};
use tinytown_forge::conformance::Harness as _;
use tinytown_forge::conformance::scene::open;
use tinytown_forge::{Forge, ForgeError, Lookup, MergeOutcome, Unreadable};

use crate::place::Place;

async fn read(place: &Place, number: u64) -> Result<Lookup, ForgeError> {
    Ok(place.local().await.issues(&[IssueRef::own(number)]).await?.remove(0))
}

async fn found(place: &Place, number: u64) -> Issue {
    match read(place, number).await {
        Ok(Lookup::Found(issue)) => *issue,
        other => panic!("found, not {other:?}"),
    }
}

async fn unreadable(place: &Place, number: u64) -> (String, String) {
    match read(place, number).await {
        Ok(Lookup::Unreadable(Unreadable { location, detail })) => (location, detail),
        other => panic!("unreadable, not {other:?}"),
    }
}

#[tokio::test]
async fn an_issue_says_where_it_stands_and_where_its_body_begins() {
    let place = Place::new();
    place.write(
        "issues/007-any-slug.md",
        "---\nlabels: [z, \"role: backend\"]\nother: x\n---\n\n# Title\n\nBody\n",
    );
    let issue = found(&place, 7).await;
    assert_eq!((issue.title.as_str(), issue.body.as_str(), issue.body_line), ("Title", "\nBody\n", 7));
    assert_eq!((issue.location.as_str(), issue.state), ("issues/007-any-slug.md", IssueState::Open));
    assert_eq!(issue.labels, ["role: backend", "z"]);
}

#[tokio::test]
async fn a_file_without_a_heading_is_named_after_itself() {
    let place = Place::new();
    place.write("issues/3-add-the_login.md", "Just text.\n");
    assert_eq!(
        (found(&place, 3).await.title, found(&place, 3).await.body_line),
        ("add the login".to_owned(), 1)
    );
}

#[tokio::test]
async fn other_files_other_repositories_and_a_missing_folder_are_unknown() {
    let place = Place::new();
    assert_eq!(read(&place, 1).await, Ok(Lookup::Unknown));
    for name in ["README.md", "1", "1-a.txt", "x1-a.md", "0-a.md", "-1-a.md", "1a-b.md"] {
        place.write(&format!("issues/{name}"), "# X\n");
    }
    assert_eq!(read(&place, 1).await, Ok(Lookup::Unknown));
    place.write("issues/1-a.md", "# X\n");
    let far = IssueRef { repo: RepoName::new("acme/app"), number: 1 };
    assert_eq!(place.local().await.issues(&[far]).await, Ok(vec![Lookup::Unknown]));
}

#[tokio::test]
async fn two_files_of_one_number_are_both_named() {
    let place = Place::new();
    place.write("issues/1-a.md", "# A\n");
    place.write("issues/01-b.md", "# B\n");
    let (location, detail) = unreadable(&place, 1).await;
    assert_eq!(location, "issues/01-b.md and issues/1-a.md");
    assert!(detail.contains("number 1"), "{detail}");
}

#[tokio::test]
async fn links_may_stay_in_the_folder_and_must_not_leave_it() {
    let place = Place::new();
    place.write("issues/1-a.md", "# A\n");
    place.write("secret", "# Secret\n");
    let issues = place.repo().join("issues");
    std::os::unix::fs::symlink("1-a.md", issues.join("2-b.md")).unwrap();
    std::os::unix::fs::symlink("../secret", issues.join("3-c.md")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", issues.join("4-d.md")).unwrap();
    std::os::unix::fs::symlink("nowhere", issues.join("5-e.md")).unwrap();
    assert_eq!(found(&place, 2).await.title, "A");
    for number in [3, 4] {
        let (_, detail) = unreadable(&place, number).await;
        assert!(detail.contains("outside"), "{detail}");
    }
    assert_eq!(unreadable(&place, 5).await.0, "issues/5-e.md");
}

#[tokio::test]
async fn what_is_not_text_is_unreadable() {
    let place = Place::new();
    place.write("issues/1-a.md", "");
    std::fs::write(place.repo().join("issues/1-a.md"), b"# \xff\n").unwrap();
    std::fs::create_dir(place.repo().join("issues/2-b.md")).unwrap();
    assert!(unreadable(&place, 1).await.1.contains("UTF-8"));
    assert!(unreadable(&place, 2).await.1.contains("not a file"));
}

#[tokio::test]
async fn many_issues_are_answered_in_the_order_asked_whatever_is_wrong_with_some() {
    let place = Place::new();
    for n in 1..=300 {
        place.write(&format!("issues/{n}-a.md"), &format!("# Title {n}\n"));
    }
    for n in [50, 100, 250] {
        std::fs::write(place.repo().join(format!("issues/{n}-a.md")), b"# \xff\n").unwrap();
    }
    let asked: Vec<IssueRef> = (1..=301).rev().map(IssueRef::own).collect();
    let found = place.local().await.issues(&asked).await.unwrap();
    for (reference, lookup) in asked.iter().zip(&found) {
        match (reference.number, lookup) {
            (301, Lookup::Unknown) => {}
            (n @ (50 | 100 | 250), Lookup::Unreadable(it)) => {
                assert_eq!(it.location, format!("issues/{n}-a.md"));
            }
            (n, Lookup::Found(issue)) => assert!(issue.title.ends_with(&format!(" {n}")), "{n}: {issue:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(found.len(), asked.len());
}

#[tokio::test]
async fn an_issue_whose_item_was_merged_is_closed() {
    let place = Place::new();
    place.put_issue(2, "Two", "", true).await;
    place.put_issue(22, "Twenty-two", "", true).await;
    let scene = open(&place, &[("a", "a\n")]).await;
    assert_eq!(found(&place, 2).await.state, IssueState::Open);
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(_)));
    assert_eq!(found(&place, 2).await.state, IssueState::Closed);
    assert_eq!(found(&place, 22).await.state, IssueState::Open);
    // Also for a forge that has been open all the time.
    let look = scene.forge.issues(&[IssueRef::own(2)]).await.unwrap();
    assert!(matches!(&look[0], Lookup::Found(issue) if issue.state == IssueState::Closed));
}

#[tokio::test]
async fn a_large_issue_is_read_whole() {
    let place = Place::new();
    let body = "x".repeat(10 * 1024 * 1024);
    place.write("issues/1-a.md", &format!("# A\n{body}"));
    assert_eq!(found(&place, 1).await.body.len(), body.len());
}
