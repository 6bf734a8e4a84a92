//! The dashboard: all of it in one answer, of one instant.

use super::*;

#[test]
fn a_dashboard_has_all_that_a_control_room_shows() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        assert_eq!(site.request(Method::PUT, "/files/content/a.bin").body(vec![7; 100_000]).send().await.unwrap().status(), 201);
        assert_eq!(site.request(Method::POST, "/nodes/Node_01/kill").send().await.unwrap().status(), 200);
        let (status, board) = site.get("/dashboard").await;
        assert_eq!(status, 200, "{board}");
        assert_eq!((&board["faults"][0]["id"], &board["faults_count"]), (&json!("process-Node_01"), &json!(1)));
        assert!(board["time"]["virtual_seconds"].is_number() && board["health"]["alive"].is_number(), "{board}");
        assert!(board["transfers"].as_array().unwrap().iter().any(|transfer| transfer["path"] == "a.bin"), "{board}");
        assert!(board["ended"]["done"].as_u64() >= Some(1), "{board}");
        assert_eq!(board["throughput"]["up"]["capacity_bytes_per_second"], 125_000_000);
        let fault = board["events"].as_array().unwrap().iter().find(|event| event["kind"] == "FaultBegan").unwrap();
        assert_eq!((&fault["cause"], &fault["by"], &fault["tone"]), (&json!("a command"), &json!("alice"), &json!("warning")));
        assert!(board["storage"]["files"] == 1 && board["storage"]["capacity_bytes"].is_number(), "{board}");
        for section in ["nodes", "cuts", "transfers", "faults", "events"] {
            assert!(board[section].is_array(), "{section}");
        }
        // A choice of the caller is seen at once, although no snapshot tells of it.
        let select = site.request(Method::POST, "/nodes/select").json(&json!({ "node": "2" })).send().await.unwrap();
        assert_eq!(select.status(), 200);
        assert_eq!(site.get("/dashboard").await.1["nodes"][1]["is_preferred"], true);
        let older = site.client.get(site.url("/api/dashboard")).bearer_auth(&site.token).send().await.unwrap();
        assert_eq!(older.headers()["content-type"], "application/json");
        assert!(site.served.stop().code == Some(0));
    });
}

/// Very many faults come in pages, and as the first of them on the dashboard.
#[test]
fn lists_of_very_many_faults_are_bounded() {
    on_a_runtime(async {
        let config = "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[nodes]\ncount = 60\n";
        let site = Site::start(config).await;
        let names = |numbers: std::ops::RangeInclusive<u32>| numbers.map(|number| number.to_string()).collect::<Vec<_>>();
        let cut = json!({ "kind": "partition", "one": names(1..=30), "other": names(31..=60) });
        let (status, on) = read(site.request(Method::POST, "/faults").json(&cut).send().await.unwrap()).await;
        assert_eq!((status, on["count"].as_u64(), on["faults"].as_array().map(Vec::len)), (201, Some(1800), Some(1000)));
        let (_, rest) = site.get(&format!("/faults?after={}", on["next"].as_str().unwrap())).await;
        assert_eq!(
            (&rest["count"], rest["faults"].as_array().map(Vec::len), &rest["next"]),
            (&json!(1800), Some(800), &Value::Null)
        );
        let (status, board) = site.get("/dashboard").await;
        assert_eq!((status, board["nodes"].as_array().map(Vec::len)), (200, Some(60)));
        assert_eq!((&board["cuts_count"], board["cuts"].as_array().map(Vec::len)), (&json!(1800), Some(100)));
        assert_eq!((&board["faults_count"], board["faults"].as_array().map(Vec::len)), (&json!(1800), Some(100)));
        assert!(site.served.stop().code == Some(0));
    });
}

/// Prints what the answers about a thousand nodes cost.
#[test]
#[ignore = "needs P2P_LONG=1: 1,000 nodes"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn answers_about_a_thousand_nodes() {
    if std::env::var_os("P2P_LONG").is_none() {
        return;
    }
    on_a_runtime(async {
        let config = "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[nodes]\ncount = 1000\n";
        let site = Site::start(config).await;
        for path in ["/dashboard", "/nodes", "/network/topology", "/network/health", "/links", "/paths?from=client"] {
            let mut times: Vec<f64> = Vec::new();
            for _ in 0..11 {
                let started = std::time::Instant::now();
                assert_eq!(site.get(path).await.0, 200, "{path}");
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
            times.sort_by(f64::total_cmp);
            println!("GET {path}: {:.1} ms in the median of 11", times[5]);
        }
        assert!(site.served.stop().code == Some(0));
    });
}
