//! Which store the towns of stories have: SQLite as users get it, or a database of a Redis server of their own.

use std::sync::OnceLock;

use tinytown_redis::testing::RedisServer;

/// The variable that chooses: `redis`, or nothing.
const VARIABLE: &str = "TINYTOWN_STORY_STORE";

/// The server of this process's towns.
///
/// # Panics
/// If there is no `redis-server`.
pub fn redis_server() -> &'static RedisServer {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    SERVER.get_or_init(RedisServer::start)
}

/// The address of a database for one more town, if stories are to have Redis.
///
/// # Panics
/// If the variable holds another word, or there is no `redis-server`.
pub(super) fn fresh() -> Option<String> {
    match std::env::var(VARIABLE).ok()?.as_str() {
        "" => None,
        "redis" => Some(redis_server().fresh().to_string()),
        other => panic!("{VARIABLE} is {other:?}, and may only be \"redis\""),
    }
}
