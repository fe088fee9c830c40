//! Many things of the same kind done at the same time, with the result of doing one after the other.
//!
//! Reading texts is the only work here that takes long enough for it. Nothing asks how many processors there are:
//! what is done, and what comes of it, depends on the arguments alone.

use std::{panic, thread};

/// Most threads at work at once.
const THREADS: usize = 4;

/// What `each` makes of every item, in their order. `least` items are worth a thread of their own; where no thread can
/// be had, the caller's does the work.
pub fn map<T: Sync, R: Send>(items: &[T], least: usize, each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = (items.len() / least.max(1)).clamp(1, THREADS);
    let all = |part: &[T]| part.iter().map(&each).collect::<Vec<R>>();
    if threads == 1 {
        return all(items);
    }
    thread::scope(|scope| {
        let start = |part| (part, thread::Builder::new().spawn_scoped(scope, move || all(part)));
        let parts: Vec<_> = items.chunks(items.len().div_ceil(threads)).map(start).collect();
        let mut made = Vec::with_capacity(items.len());
        for (part, thread) in parts {
            made.extend(match thread {
                Ok(thread) => thread.join().unwrap_or_else(|bug| panic::resume_unwind(bug)),
                Err(_none_to_be_had) => all(part),
            });
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items_however_many_threads_there_are() {
        for count in [0_usize, 1, 2, 3, 7, 8, 9, 1000] {
            for least in [0, 1, 2, 5, 2000] {
                let items: Vec<usize> = (0..count).collect();
                let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
                assert_eq!(map(&items, least, |item| item * 2), doubled, "{count} items, {least} a thread");
            }
        }
    }

    #[test]
    fn few_items_are_done_by_the_caller_itself() {
        let here = thread::current().id();
        let elsewhere = |count| {
            let threads = map(&vec![(); count], 10, |()| thread::current().id());
            threads.iter().filter(|id| **id != here).count()
        };
        assert_eq!((elsewhere(19), elsewhere(20)), (0, 20));
    }

    #[test]
    #[should_panic(expected = "seven")]
    fn a_panic_reaches_the_caller() {
        map(&[1, 3, 7, 9], 1, |item| assert!(*item != 7, "seven"));
    }
}
