//! The network by REST: hosts, counters, probes, nodes, links and paths, for an admin and for a user.

use super::*;

/// Five nodes, as without a configuration of them.
async fn names(site: &Site) -> Vec<String> {
    let (status, body) = site.get("/nodes").await;
    assert_eq!(status, 200, "{body}");
    body["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_network_is_told_with_since_when_and_by_what() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let names = names(&site).await;
        let (status, topology) = site.get("/network/topology").await;
        assert_eq!((status, topology["hosts"][0]["host"].as_str()), (200, Some("client")), "{topology}");
        assert_eq!(topology["hosts"].as_array().unwrap().len(), names.len() + 1);
        assert_eq!(topology["hosts"][1]["link"]["up"]["bandwidth"], "1Gbit/s");
        assert_eq!(topology["cuts"], json!([]));

        // What is probed now is proved.
        let (status, checked) = read(site.request(Method::POST, "/network/health").send().await.unwrap()).await;
        assert_eq!((status, checked["alive"].as_u64()), (200, Some(names.len() as u64)), "{checked}");
        assert_eq!(checked["unproved"], 0);
        for seen in checked["seen"].as_array().unwrap().iter().filter(|seen| seen["from"] != seen["to"]) {
            assert_eq!(seen["health"], "ALIVE", "{seen}");
            assert!(seen["heard"]["heard_seconds"].is_number() && seen["heard"]["heard_by"].is_string(), "{seen}");
        }
        assert_eq!(site.get("/network/health?from=Node_01").await.1["seen"][0]["from"], "Node_01");
        assert_eq!(site.get("/network/health?from=nobody").await.0, 400);

        let (status, counted) = site.get("/network/statistics").await;
        assert!(status == 200 && counted["packets"]["health_check"].as_u64() > Some(0), "{counted}");
        assert_eq!(counted["hosts"].as_array().unwrap().len(), names.len() + 1);
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn a_process_is_ended_and_started_and_a_node_preferred() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let (status, node) = read(site.request(Method::POST, "/nodes/Node_02/kill").send().await.unwrap()).await;
        assert_eq!((status, node["state"].as_str()), (200, Some("STOPPED")), "{node}");
        assert!(node["since_seconds"].is_number() && node["cause"] == "Node_02 is killed, by alice", "{node}");
        let (status, again) = read(site.request(Method::POST, "/nodes/2/kill").send().await.unwrap()).await;
        assert_eq!((status, again["reason"].as_str()), (409, Some("STATE")), "{again}");
        let (status, node) = read(site.request(Method::POST, "/nodes/Node_02/start").send().await.unwrap()).await;
        assert!(status == 200 && node["state"] != "STOPPED" && node["faults"] == json!([]), "{node}");
        let within = json!({ "within": "5s" });
        let stop = site.request(Method::POST, "/nodes/Node_03/stop").json(&within).send().await.unwrap();
        let (status, node) = read(stop).await;
        assert_eq!((status, node["state"].as_str()), (200, Some("STOPPED")), "{node}");
        let (status, node) = read(site.request(Method::POST, "/nodes/Node_03/restart").send().await.unwrap()).await;
        assert!(status == 200 && node["state"] != "STOPPED", "{node}");
        for (path, expected) in [("/nodes/Node_99", 404), ("/nodes/nobody", 400)] {
            assert_eq!(site.get(path).await.0, expected, "{path}");
        }

        let select = |node: Value| site.request(Method::POST, "/nodes/select").json(&json!({ "node": node })).send();
        assert_eq!(read(select(json!("4")).await.unwrap()).await, (200, json!({ "node": "Node_04" })));
        assert_eq!(site.get("/nodes/Node_04").await.1["is_preferred"], true);
        assert_eq!(read(select(json!("Node_99")).await.unwrap()).await.0, 404);
        assert_eq!(read(select(Value::Null).await.unwrap()).await, (200, json!({ "node": null })));
        // The older paths mean the same.
        let older = site.client.get(site.url("/api/nodes")).bearer_auth(&site.token).send().await.unwrap();
        assert_eq!(read(older).await.1["nodes"].as_array().unwrap().len(), names(&site).await.len());
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn links_and_paths_are_changed() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let slower = json!({ "direction": "up", "bandwidth": "1Mbit/s" });
        let (status, link) = read(site.request(Method::PATCH, "/links/client").json(&slower).send().await.unwrap()).await;
        assert_eq!((status, link["up"]["bandwidth"].as_str()), (200, Some("1Mbit/s")), "{link}");
        assert!(link["up"]["fault"].is_string() && link["down"]["fault"].is_null(), "{link}");
        assert_eq!(link["up"]["capacity_bytes_per_second"], 125_000);
        let path = "/paths/client/Node_01";
        let changed = site.request(Method::PATCH, path).json(&json!({ "delay": "40ms", "loss": "5%", "one_way": false }));
        let (status, told) = read(changed.send().await.unwrap()).await;
        assert_eq!((status, told["delay"].as_str(), told["loss"].as_str()), (200, Some("40ms"), Some("5%")), "{told}");
        let cut = site.request(Method::PATCH, path).json(&json!({ "cut": true })).send().await.unwrap();
        assert_eq!(read(cut).await.1["is_cut"], true);
        let (_, paths) = site.get("/paths").await;
        assert_eq!(paths["count"], 2, "{paths}");
        let healed = site.request(Method::PATCH, path).json(&json!({ "cut": false })).send().await.unwrap();
        assert_eq!(read(healed).await.1["is_cut"], false);
        // The other direction is meant where it is said; what this was called before is a field that there is not.
        let (_, back) = site.get("/paths?from=Node_01&to=client").await;
        assert_eq!((&back["paths"][0]["delay"], &back["paths"][0]["is_cut"]), (&json!("40ms"), &json!(false)), "{back}");
        let former = site.request(Method::PATCH, path).json(&json!({ "loss": "5%", "both_ways": true })).send().await.unwrap();
        assert_eq!(read(former).await.0, 422);
        let wrong = site.request(Method::PATCH, path).json(&json!({ "loss": "many" })).send().await.unwrap();
        assert_eq!(read(wrong).await.1["field"], "loss");
        let nothing = site.request(Method::PATCH, "/links/client").json(&json!({})).send().await.unwrap();
        assert_eq!(read(nothing).await.0, 400);
        assert!(site.served.stop().code == Some(0));
    });
}
