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

/// A thousand nodes with half of their paths to the client cut come in one answer of bounded lists.
#[test]
fn a_dashboard_of_a_thousand_nodes_is_one_answer() {
    on_a_runtime(async {
        let nodes = "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[nodes]\ncount = 1000\n";
        let site = Site::start(nodes).await;
        let half: Vec<String> = (1..=500).map(|number| number.to_string()).collect();
        let cut = json!({ "kind": "partition", "one": ["client"], "other": half });
        let (status, on) = read(site.request(Method::POST, "/faults").json(&cut).send().await.unwrap()).await;
        assert_eq!((status, on["count"].as_u64(), on["faults"].as_array().map(Vec::len)), (201, Some(1000), Some(1000)));
        let (status, board) = site.get("/dashboard").await;
        assert_eq!((status, board["nodes"].as_array().map(Vec::len)), (200, Some(1000)));
        assert_eq!((&board["cuts_count"], board["cuts"].as_array().map(Vec::len)), (&json!(1000), Some(100)));
        assert_eq!(site.get("/nodes").await.1["nodes"].as_array().map(Vec::len), Some(1000));
        assert!(site.served.stop().code == Some(0));
    });
}
