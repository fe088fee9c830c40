//! The model's history: commits that know their parents, the files they touch, and all they contain.

use crate::id::Sha;

/// A commit's place in the list of all commits.
pub(super) type Place = usize;

/// All commits, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Commits(Vec<Node>);

#[derive(Debug, Clone)]
struct Node {
    sha: Sha,
    /// Files it changes compared with its first parent; none for a clean merge.
    touched: Vec<String>,
    /// One bit for each commit that it contains, itself included: questions about ancestry are
    /// asked far more often than commits are made.
    contains: Vec<u64>,
}

impl Commits {
    /// Makes a commit.
    pub(super) fn add(&mut self, parents: &[Place], touched: &[&str]) -> Place {
        let place = self.0.len();
        let mut contains = vec![0; place / 64 + 1];
        for parent in parents {
            for (word, inherited) in contains.iter_mut().zip(&self.0[*parent].contains) {
                *word |= inherited;
            }
        }
        contains[place / 64] |= 1 << (place % 64);
        let sha = Sha::new(&format!("{:08x}{place:032x}", place + 1)).expect("40 digits");
        let touched = touched.iter().map(|&file| file.to_owned()).collect();
        self.0.push(Node { sha, touched, contains });
        place
    }

    pub(super) fn sha(&self, place: Place) -> Sha {
        self.0[place].sha.clone()
    }

    /// Where a commit is; `None` if there is no such commit.
    pub(super) fn find(&self, sha: &Sha) -> Option<Place> {
        let place = usize::from_str_radix(sha.as_str().get(..8)?, 16).ok()?.checked_sub(1)?;
        self.0.get(place).filter(|node| node.sha == *sha).map(|_| place)
    }

    /// Whether `descendant` contains `ancestor` (or is it).
    pub(super) fn contains(&self, descendant: Place, ancestor: Place) -> bool {
        self.0[descendant].contains.get(ancestor / 64).is_some_and(|word| word & (1 << (ancestor % 64)) != 0)
    }

    /// Files touched by what `head` contains and `base` does not, sorted.
    pub(super) fn changed(&self, base: Place, head: Place) -> Vec<&str> {
        let (base, head) = (&self.0[base].contains, &self.0[head].contains);
        let mut files: Vec<&str> = Vec::new();
        for (at, word) in head.iter().enumerate() {
            let mut only_head = word & !base.get(at).copied().unwrap_or(0);
            while only_head != 0 {
                let place = at * 64 + only_head.trailing_zeros() as usize;
                files.extend(self.0[place].touched.iter().map(String::as_str));
                only_head &= only_head - 1;
            }
        }
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Files that both sides changed since they parted: the model's notion of a conflict.
    pub(super) fn conflicts(&self, ours: Place, theirs: Place) -> Vec<&str> {
        let there = self.changed(ours, theirs);
        if there.is_empty() {
            return there;
        }
        let here = self.changed(theirs, ours);
        there.into_iter().filter(|file| here.binary_search(file).is_ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_contain_their_ancestors_and_are_found_by_name() {
        let mut commits = Commits::default();
        let root = commits.add(&[], &[]);
        let line = (0..200).fold(root, |parent, _| commits.add(&[parent], &["x"]));
        let side = commits.add(&[root], &["y"]);
        assert!(
            commits.contains(line, root) && !commits.contains(root, line) && !commits.contains(side, line)
        );
        assert_eq!(commits.find(&commits.sha(line)), Some(line));
        assert_eq!(commits.find(&Sha::new(&"0".repeat(40)).expect("digits")), None);
        assert_eq!((commits.changed(root, line), commits.changed(line, side)), (vec!["x"], vec!["y"]));
    }

    #[test]
    fn two_sides_conflict_in_the_files_that_both_changed() {
        let mut commits = Commits::default();
        let root = commits.add(&[], &["a", "b"]);
        let ours = commits.add(&[root], &["a", "b"]);
        let theirs = commits.add(&[root], &["b", "c"]);
        assert_eq!(commits.conflicts(ours, theirs), ["b"]);
        let mended = commits.add(&[theirs, ours], &["b"]);
        assert_eq!(commits.conflicts(ours, mended), Vec::<&str>::new());
        assert_eq!(commits.changed(ours, mended), ["b", "c"]);
    }
}
