//! What programs that watch this one read: metrics, and whether the process is well.

use std::collections::BTreeSet;

use super::*;

/// Names of the metrics in a text of OpenMetrics, with the suffixes of their samples.
fn names(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

#[test]
fn metrics_name_no_user_and_the_dashboard_of_grafana_names_metrics() {
    on_a_runtime(async {
        let site = Site::start(super::files::OPEN).await;
        assert_eq!(
            site.request(Method::PUT, "/files/content/secret.bin").body(vec![7; 100_000]).send().await.unwrap().status(),
            201
        );
        let bob = site.registered("bob", None).await;
        let answer = site.client.get(site.url("/metrics")).bearer_auth(&bob).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
        let open = answer.text().await.unwrap();
        assert!(open.ends_with("# EOF\n"), "{open}");
        assert!(!open.contains("alice") && !open.contains("bob") && !open.contains("secret"), "{open}");
        // How full the nodes are is for admins.
        assert!(!open.contains("p2p_node_used_bytes") && !open.contains("p2p_stored_bytes"), "{open}");
        for told in [
            "p2p_transfers_ended_total{end=\"done\"} 1.0",
            "p2p_packets_sent_total{kind=\"DATA\"}",
            "p2p_link_bytes_total{host=\"client\",direction=\"up\"}",
            "p2p_link_capacity_bytes_per_second{host=\"Node_01\",direction=\"down\"} 125000000.0",
            "# UNIT p2p_link_wait_seconds seconds",
            "p2p_door_requests_total{service=\"web\"}",
            "p2p_speed_ratio inf",
            "process_resident_memory_bytes ",
        ] {
            assert!(open.contains(told), "{told}\n{open}");
        }
        // What is measured is there once there is something: a fault, an answered probe, and a whole virtual second.
        for (path, body) in [
            ("/nodes/Node_05/kill", Value::Null),
            ("/network/health", Value::Null),
            ("/time", json!({ "paused": true })),
            ("/time/step", json!({ "span": "3s" })),
        ] {
            assert_eq!(site.request(Method::POST, path).json(&body).send().await.unwrap().status(), 200, "{path}");
        }
        let whole = site.client.get(site.url("/metrics")).bearer_auth(&site.token).send().await.unwrap().text().await.unwrap();
        assert!(whole.contains("p2p_stored_files 1.0") && whole.contains("p2p_node_used_bytes{node=\"Node_01\"}"), "{whole}");

        let known = names(&whole);
        let dashboard = include_str!("../../../assets/grafana/p2p.json");
        let board: Value = serde_json::from_str(dashboard).unwrap();
        let mut asked = BTreeSet::new();
        for target in board["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap()) {
            let words = target["expr"].as_str().unwrap().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            asked.extend(words.filter(|word| word.starts_with("p2p_") || word.starts_with("process_")).map(str::to_owned));
        }
        assert!(asked.len() > 15 && asked.is_subset(&known), "{:?}", asked.difference(&known).collect::<Vec<_>>());

        for (path, said) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
            let answer = site.client.get(site.url(path)).send().await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, said));
        }
        assert!(site.served.stop().code == Some(0));
    });
}

/// Metrics are for those who have an account, at the loopback too, where a proxy or another user of the machine may be: by a session or by a
/// token of any scope, and how full nodes are for an admin with the scope admin alone. Whether the process is well is told to everybody.
#[test]
fn metrics_need_a_login_and_health_does_not() {
    on_a_runtime(async {
        let site = Site::of(Home::new(super::files::OPEN));
        let get = |path: &str, bearer: Option<&str>| {
            let request = site.client.get(site.url(path));
            let request = if let Some(bearer) = bearer { request.bearer_auth(bearer) } else { request };
            async move {
                let answer = request.send().await.unwrap();
                (answer.status().as_u16(), answer.text().await.unwrap())
            }
        };
        // Before there is an account nobody has one.
        assert_eq!(get("/metrics", None).await.0, 401);
        let setup = site.served.ready["setup_token"].as_str().unwrap().to_owned();
        let alice = site.registered("alice", Some(&setup)).await;
        let bob = site.registered("bob", None).await;
        let (status, refused) = get("/metrics", None).await;
        assert!(status == 401 && refused.contains("\"LOGIN_NEEDED\""), "{refused}");
        assert_eq!(get("/metrics", Some("p2p_no_token")).await.0, 401);
        for path in ["/healthz", "/readyz"] {
            assert_eq!(get(path, None).await.0, 200, "{path}");
        }
        let token = async |bearer: &str, scope: &str| {
            let wanted = json!({ "name": format!("prometheus-{scope}"), "scope": scope });
            let request = site.client.post(site.url("/api/v1/tokens")).bearer_auth(bearer).json(&wanted);
            read(request.send().await.unwrap()).await.1["token"].as_str().unwrap().to_owned()
        };
        for (bearer, is_whole) in [
            (token(&bob, "read").await, false),
            (token(&alice, "read").await, false),
            (token(&alice, "admin").await, true),
            (bob, false),
            (alice, true),
        ] {
            let (status, told) = get("/metrics", Some(&bearer)).await;
            assert!(status == 200 && told.contains("p2p_packets_sent_total"), "{told}");
            assert_eq!(told.contains("p2p_node_used_bytes"), is_whole);
        }
        assert!(site.served.stop().code == Some(0));
    });
}
