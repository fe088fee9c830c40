//! Lua scripts: called by hash, and sent whole when the server does not know them (any more).

use std::sync::{Arc, LazyLock};

use fred::clients::Client;
use fred::interfaces::LuaInterface as _;
use fred::types::Value;

use crate::args::Args;
use crate::fault::Fault;
use crate::reply::Items;

/// A script and its SHA-1.
#[derive(Debug)]
pub(crate) struct Script {
    text: String,
    hash: String,
}

macro_rules! scripts {
    ($($name:ident: [$($part:ident)*],)*) => {
        /// All scripts there are.
        #[derive(Debug)]
        pub(crate) struct Scripts { $(pub(crate) $name: Script,)* }

        impl Scripts {
            /// Our scripts, each passed through `patch` with its name first: tests plant defects.
            pub(crate) fn patched(patch: impl Fn(&str, String) -> String) -> Self {
                Self {
                    $($name: Script::new(patch(
                        stringify!($name),
                        concat!($(include_str!(concat!("scripts/", stringify!($part), ".lua")),)*).to_owned(),
                    )),)*
                }
            }
        }
    };
}

scripts! {
    found: [found],
    lease: [begin_change lease],
    beat: [begin_change beat],
    post: [begin_change post],
    commit: [begin_change commit],
    town: [begin_read town],
    vitals: [begin_read vitals],
    missions: [begin_read missions],
    mission: [begin_read mission],
    page: [begin_read page],
    field: [begin_read field],
}

impl Scripts {
    /// As users have them.
    pub(crate) fn ours() -> Arc<Self> {
        static OURS: LazyLock<Arc<Scripts>> = LazyLock::new(|| Arc::new(Scripts::patched(|_, text| text)));
        Arc::clone(&OURS)
    }
}

impl Script {
    fn new(text: String) -> Self {
        let hash = fred::util::sha1_hash(&text);
        Self { text, hash }
    }

    pub(crate) async fn call(&self, client: Client, keys: Vec<String>, args: Args) -> Result<Items, Fault> {
        let Args(args) = args;
        let answered: Result<Value, _> = client.evalsha(self.hash.as_str(), keys.clone(), args.clone()).await;
        match answered {
            // It was not run. Sent whole it is run, and known from then on.
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                Items::of(client.eval(self.text.as_str(), keys, args).await?)
            }
            Err(error) => Err(error.into()),
            Ok(value) => Items::of(value),
        }
    }
}
