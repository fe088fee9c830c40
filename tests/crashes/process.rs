//! The process that crashes: makes one call to a store, and dies at the point that it is told.
//!
//! Arguments: the store's file, the number of the point (0 for none), a planted mutant or `none`. The
//! call comes as JSON on standard input; what was answered goes to standard output.

mod call;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use call::Call;
use tinytown_core::mutant::{Mutant, plant};
use tinytown_store::SqliteStore;
use tinytown_store::crash::crash_at;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, point, mutant] = words.as_slice() else { panic!("three arguments are needed") };
    let mut json = String::new();
    std::io::stdin().read_to_string(&mut json).expect("the call can be read");
    let call: Call = serde_json::from_str(&json).expect("it is a call");
    let point: u64 = point.parse().expect("a point is a number");
    plant(named(mutant));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answer = runtime.block_on(make(&call, path.into(), point));
    writeln!(std::io::stdout(), "{answer}").expect("somebody reads the answer");
}

/// Only the call itself is armed, except where opening the store is the call.
async fn make(call: &Call, path: PathBuf, point: u64) -> String {
    let store = if let Call::Create(_) = call {
        crash_at(point);
        SqliteStore::create(path).await
    } else {
        let store = SqliteStore::open(path).await;
        crash_at(point);
        store
    };
    call.make(&store.expect("the store can be opened")).await
}

fn named(mutant: &str) -> Option<Mutant> {
    let known = [Mutant::CommitWithoutTransaction, Mutant::AcknowledgedApart];
    known.into_iter().find(|known| format!("{known:?}") == mutant)
}
