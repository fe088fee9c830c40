//! The conformance suite, through a socket and through a port.

use crate::place::{BY_PORT, BY_SOCKET, Place};

tinytown_store::conformance!(by_socket, Place(BY_SOCKET.fresh()));
tinytown_store::conformance!(by_port, Place(BY_PORT.fresh()));

/// A cluster of one node, which refuses scripts that touch keys of another slot than those they name.
mod on_a_cluster {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tinytown_redis::testing::{RedisServer, ServerOptions};
    use tinytown_store::Store;
    use tinytown_store::conformance::{Harness, commits, founding, inbox, lease, mail, missions, run};

    use crate::place::open;

    struct Cluster(RedisServer);

    #[async_trait]
    impl Harness for Cluster {
        async fn open(&self) -> Arc<dyn Store> {
            Arc::new(open(&self.0.url()).await)
        }
    }

    /// The only server of its cluster.
    fn start() -> Cluster {
        let more = ["--cluster-enabled", "yes"].map(str::to_owned).to_vec();
        let server = RedisServer::with(&ServerOptions { tcp: true, more, ..ServerOptions::default() });
        assert_eq!(server.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "+OK\r\n");
        while !server.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Cluster(server)
    }

    macro_rules! each {
        ($cluster:ident: $($property:path,)*) => {
            $(
                $cluster.0.ask(&["FLUSHALL"]);
                $property(&$cluster).await;
            )*
        };
    }

    /// One property for each script, and for each kind of wait.
    #[test]
    fn every_script_names_its_keys_and_they_lie_in_one_slot() {
        let cluster = start();
        run(async {
            each! { cluster:
                founding::founding_with_another_identity_is_refused,
                lease::a_repeated_lease_call_answers_what_it_answered_first,
                tinytown_store::conformance::beats::vitals_show_all_agents_by_name,
                inbox::a_post_brings_its_texts,
                inbox::inputs_and_answers_go_back_and_forth,
                commits::a_repeated_commit_answers_what_it_answered_first,
                commits::removals_come_before_writings,
                missions::a_mission_that_ended_is_listed_only_when_asked_for,
                missions::steps_are_numbered_without_gaps_and_read_in_pages,
                mail::mailboxes_are_apart,
                mail::a_waiting_agent_wakes_at_its_delivery,
            }
        });
    }
}
