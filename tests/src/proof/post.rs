//! Posting inputs and waiting for their answers, through outages: what workers and commands do.

use tinytown_core::id::OpId;
use tinytown_core::input::{Answer, Input};
use tinytown_store::Post;
use tinytown_store::codec::{decode, encode};

use super::calls::{StoreCall, StoreReply};
use super::clocks::Ms;
use super::world::{Pid, World};

const AGAIN: Ms = 200;
const REMIND: Ms = 3_000;

/// Inputs on their way.
#[derive(Debug, Default)]
pub(super) struct Poster {
    posts: Vec<Posting>,
}

#[derive(Debug)]
struct Posting {
    post: Post,
    /// Somebody waits for the answer.
    wanted: bool,
    posted: bool,
    /// When it is tried again, on the monotonic clock.
    retry: Option<Ms>,
}

impl Poster {
    /// Posts an input under a name.
    pub(super) fn post(&mut self, world: &mut World, pid: Pid, op: OpId, input: &Input, wanted: bool) {
        let at = world.hosts[world.procs[pid].host].wall(world.now);
        let post = Post { op, input: encode(input), at, blobs: Vec::new() };
        self.posts.retain(|posting| posting.post.op != post.op);
        world.call(pid, StoreCall::Post(Box::new(post.clone())));
        self.posts.push(Posting { post, wanted, posted: false, retry: None });
    }

    /// Whether something is on its way.
    pub(super) fn is_busy(&self) -> bool {
        !self.posts.is_empty()
    }

    /// Forgets what nobody waits for any more.
    pub(super) fn forget(&mut self, op: &OpId) {
        self.posts.retain(|posting| posting.post.op != *op);
    }

    /// Time passed: tries again what is due.
    pub(super) fn tick(&mut self, world: &mut World, pid: Pid) {
        let mono = world.mono(pid);
        for posting in &mut self.posts {
            match posting.retry {
                Some(at) if at <= mono => {
                    posting.retry = None;
                    let call = if posting.posted {
                        StoreCall::Answer(posting.post.op.clone(), REMIND)
                    } else {
                        StoreCall::Post(Box::new(posting.post.clone()))
                    };
                    world.call(pid, call);
                }
                Some(at) => world.alarm(pid, at),
                None => {}
            }
        }
    }

    /// The store answered; tells what was answered to an input.
    pub(super) fn hear(&mut self, world: &mut World, pid: Pid, reply: &StoreReply) -> Option<(OpId, Answer)> {
        let mono = world.mono(pid);
        let (StoreReply::Post(op, _) | StoreReply::Answer(op, _)) = reply else { return None };
        let at = self.posts.iter().position(|posting| posting.post.op == *op)?;
        match reply {
            StoreReply::Post(_, Ok(_)) if !self.posts[at].wanted => {
                self.posts.remove(at);
            }
            StoreReply::Post(op, Ok(_)) => {
                self.posts[at].posted = true;
                world.call(pid, StoreCall::Answer(op.clone(), REMIND));
            }
            StoreReply::Answer(op, Ok(Some(record))) => {
                let answer = decode::<Answer>("answer", record).ok()?;
                let op = op.clone();
                self.posts.remove(at);
                return Some((op, answer));
            }
            // Reminded: the store may have lost it.
            StoreReply::Answer(_, Ok(None)) => {
                let post = self.posts[at].post.clone();
                world.call(pid, StoreCall::Post(Box::new(post)));
            }
            _ => {
                self.posts[at].retry = Some(mono + AGAIN);
                world.alarm(pid, mono + AGAIN);
            }
        }
        None
    }
}
