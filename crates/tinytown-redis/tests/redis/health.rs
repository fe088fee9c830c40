//! What a real server tells of itself.

use tinytown_redis::health::{Concern, Flavour, Severity, inspect};
use tinytown_redis::testing::{RedisServer, ServerOptions};

use crate::place::BY_SOCKET;

/// Holes are those of the version that is installed, so they are left aside.
async fn concerns(server: &RedisServer) -> Vec<Concern> {
    let health = inspect(&server.url()).await.expect("answers");
    assert!(health.version.is_some());
    health.concerns.into_iter().filter(|concern| !matches!(concern, Concern::KnownHole { .. })).collect()
}

#[tokio::test]
async fn a_durable_server_on_a_socket_raises_no_concern() {
    let server = RedisServer::with(&ServerOptions { durable: true, tcp: true, ..ServerOptions::default() });
    assert_eq!(concerns(&server).await, []);
}

#[tokio::test]
async fn a_careless_server_is_told_off_point_by_point() {
    let more = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", "--protected-mode", "no"];
    let more = more.map(str::to_owned).to_vec();
    let server = RedisServer::with(&ServerOptions { tcp: true, more, ..ServerOptions::default() });
    server.ask(&["CONFIG", "SET", "bind", "127.0.0.1 -::*"]);
    let found = concerns(&server).await;
    let said: Vec<_> = found.iter().map(|it| format!("{:?}: {it}\n  {}", it.severity(), it.mend())).collect();
    insta::assert_snapshot!(said.join("\n"));
    server.ask(&["CONFIG", "SET", "appendonly", "yes"]);
    server.ask(&["CONFIG", "SET", "appendfsync", "everysec"]);
    let found = concerns(&server).await;
    let loss = found.iter().find(|it| matches!(it, Concern::MayLose { .. })).expect("it may lose a second");
    assert_eq!(loss.severity(), Severity::Warning);
}

#[tokio::test]
async fn debians_version_is_known_to_have_holes_unless_mended_by_debian() {
    let health = inspect(&BY_SOCKET.url()).await.expect("answers");
    let holes = health.concerns.iter().filter(|it| matches!(it, Concern::KnownHole { .. })).count();
    let debians =
        health.flavour == Flavour::Redis && health.version.is_some_and(|it| it.to_string() == "7.0.15");
    assert!(!debians || holes > 0, "{health:?}");
}
