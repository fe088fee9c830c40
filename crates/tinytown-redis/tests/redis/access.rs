//! Who may come in, by which door, and what is told of it: users, passwords, TLS.

use std::net::TcpListener;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tinytown_redis::testing::{RedisServer, ServerOptions};
use tinytown_redis::{RedisStore, RedisUrl};
use tinytown_store::conformance::fixture::{PATIENT, commit, lead, post};
use tinytown_store::{Archive, InputId, Store, StoreError};

use crate::place::{TOWN, open};

/// A password as unwieldy as they come, and how an address writes it.
const PASSWORD: &str = "can@ry:/?#%é";
const ENCODED: &str = "can@ry:%2F%3F%23%25é";

/// What our user needs, and no more. Also what `docs/operating.md` should say.
const RIGHTS: &[&str] =
    &["~tt:*", "-@all", "+@read", "+@write", "+eval", "+evalsha", "+info", "+time", "+select", "+ping"];

/// A server that knows one user besides the default one, which is off.
fn guarded() -> RedisServer {
    let server = RedisServer::with(&ServerOptions { tcp: true, ..ServerOptions::default() });
    let word = format!(">{PASSWORD}");
    let user = [&["ACL", "SETUSER", "town", "on", &word], RIGHTS].concat();
    assert_eq!(server.ask(&user), "+OK\r\n");
    assert_eq!(server.ask(&["ACL", "SETUSER", "default", "off"]), "+OK\r\n");
    server
}

fn url(server: &RedisServer, login: &str) -> RedisUrl {
    RedisUrl::parse(&format!("redis://{login}127.0.0.1:{}/2", server.port())).expect("an address")
}

/// Every kind of call, and a wait.
async fn works(url: &RedisUrl) {
    let store = open(url).await;
    let fence = lead(&store).await;
    store.commit(&commit("c", fence)).await.expect("commits");
    let name = post("p", "x");
    let (read, posted) = tokio::join!(store.inbox(InputId(0), 9, PATIENT), store.post(&name));
    assert_eq!(posted.map(|_| read.expect("answers").len()), Ok(1));
    store.missions(true).await.expect("answers");
    store.vitals().await.expect("answers");
}

#[tokio::test]
async fn a_user_with_few_rights_and_an_unwieldy_password_can_work() {
    works(&url(&guarded(), &format!("town:{ENCODED}@"))).await;
}

#[tokio::test]
async fn a_wrong_password_is_named_as_the_reason_and_shown_nowhere() {
    let server = guarded();
    for login in ["", "town:wr0ngcanary@", "nobody:wr0ngcanary@", ":wr0ngcanary@"] {
        let address = url(&server, login);
        let refused = RedisStore::open(&address, TOWN).await.map(|_| ()).expect_err("a locked door");
        // Without a login it is the first command that is refused.
        let StoreError::Unavailable { at, detail } = &refused else { panic!("{refused:?}") };
        assert!(detail.contains("password"), "{detail}");
        for shown in [at, detail, &refused.to_string(), &format!("{refused:?} {address:?} {address}")] {
            assert!(!shown.contains("canary") && !shown.contains("nobody"), "{shown}");
        }
    }
}

#[tokio::test]
async fn what_a_user_may_not_do_is_said() {
    let server = guarded();
    let opened = open(&url(&server, &format!("town:{ENCODED}@"))).await;
    lead(&opened).await;
    // The default user is off, so this goes by the user itself: it may not change users.
    let refused = tinytown_redis::health::inspect(&url(&server, &format!("town:{ENCODED}@"))).await;
    let concerns = refused.expect("answers").concerns;
    let unseen = |it: &&tinytown_redis::health::Concern| it.to_string().contains("does not let us see");
    assert_eq!(concerns.iter().filter(unseen).count(), 2, "{concerns:?}");
}

/// Writes an authority's certificate, and a server's certificate and key by it.
fn authority(folder: &Path, name: &str) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).expect("signs");
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("names");
    let server = params.signed_by(&key, &issuer).expect("signs");
    for (file, text) in [("ca", own.pem()), ("cert", server.pem()), ("key", key.serialize_pem())] {
        std::fs::write(folder.join(format!("{name}.{file}.pem")), text).expect("writes");
    }
}

/// A server that speaks TLS on that port, and nothing but it.
fn encrypted(folder: &Path, port: u16) -> RedisServer {
    let file = |name: &str| folder.join(format!("ours.{name}.pem")).display().to_string();
    let more = [
        ("--tls-port", port.to_string()),
        ("--tls-cert-file", file("cert")),
        ("--tls-key-file", file("key")),
        ("--tls-ca-cert-file", file("ca")),
        ("--tls-auth-clients", "no".to_owned()),
    ];
    let more = more.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
    RedisServer::with(&ServerOptions { more, ..ServerOptions::default() })
}

#[tokio::test]
async fn a_server_with_a_certificate_of_an_authority_of_ones_own_is_believed_if_that_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    authority(folder.path(), "ours");
    authority(folder.path(), "theirs");
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let _server = encrypted(folder.path(), port);
    let address = |name: &str| {
        let file = folder.path().join(name).display().to_string();
        RedisUrl::parse(&format!("rediss://127.0.0.1:{port}?ca={file}")).expect("an address")
    };
    works(&address("ours.ca.pem")).await;
    let strangers = [
        address("theirs.ca.pem"),
        RedisUrl::parse(&format!("rediss://127.0.0.1:{port}")).expect("an address"),
    ];
    for stranger in strangers {
        let refused = RedisStore::open(&stranger, TOWN).await.map(|_| ()).expect_err("a stranger");
        let StoreError::Unavailable { detail, .. } = &refused else { panic!("{refused:?}") };
        assert!(detail.to_lowercase().contains("certificate"), "{detail}");
    }
    let missing = RedisStore::open(&address("nowhere.pem"), TOWN).await.map(|_| ()).expect_err("no file");
    assert!(missing.to_string().contains("nowhere.pem"), "{missing}");
}
