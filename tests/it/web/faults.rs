//! Faults by REST, in the manner of a fault proxy: listed, put on, taken back, one by one and together.

use super::*;

async fn added(site: &Site, wanted: Value) -> (u16, Value) {
    read(site.request(Method::POST, "/faults").json(&wanted).send().await.unwrap()).await
}

async fn deleted(site: &Site, path: &str) -> (u16, Value) {
    read(site.request(Method::DELETE, path).send().await.unwrap()).await
}

#[test]
fn faults_are_put_on_and_taken_back() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        assert_eq!(site.get("/faults").await, (200, json!({ "faults": [], "count": 0, "next": null })));
        let wanted = [
            (json!({ "kind": "kill", "node": "Node_01" }), "process-Node_01"),
            (json!({ "kind": "disk", "node": "Node_02", "slow": 10, "fail": ["reads"], "full": true }), "disk-Node_02"),
            (json!({ "kind": "refuse", "node": "Node_03" }), "process-Node_03"),
            (json!({ "kind": "link", "host": "client", "direction": "down", "queue_packets": 7 }), "link-client-down"),
            (json!({ "kind": "paths", "host": "Node_04", "duplicate": "1%" }), "paths-Node_04"),
            (json!({ "kind": "path", "from": "client", "to": "2", "one_way": true, "burst": "1%,25%" }), "path-client-Node_02"),
            (json!({ "kind": "partition", "one": ["1"], "other": ["2"], "one_way": true }), "cut-Node_01-Node_02"),
        ];
        for (wanted, id) in &wanted {
            let (status, body) = added(&site, wanted.clone()).await;
            assert_eq!((status, body["faults"][0]["id"].as_str()), (201, Some(*id)), "{wanted}: {body}");
            let (status, fault) = site.get(&format!("/faults/{id}")).await;
            assert_eq!((status, &fault), (200, &body["faults"][0]));
            assert!(fault["since_seconds"].is_number() && fault["by"] == "alice" && fault["cause"] == "command", "{fault}");
            assert!(fault["undo"].is_string() && fault["fault"].is_string() && fault["target"].is_string(), "{fault}");
        }
        assert_eq!(site.get("/faults").await.1["count"], wanted.len());
        assert_eq!(site.get("/faults?node=Node_04").await.1["count"], 1);
        let (_, rest) = site.get("/faults?after=link-client-down").await;
        assert_eq!(rest["faults"][0]["id"], "paths-Node_04", "{rest}");

        // What was read of a fault puts it on again.
        let (_, told) = site.get("/faults/disk-Node_02").await;
        let (status, healed) = deleted(&site, "/faults/disk-Node_02").await;
        assert_eq!((status, healed["count"].as_u64()), (200, Some(1)), "{healed}");
        assert_eq!(site.get("/faults/disk-Node_02").await.0, 404);
        assert_eq!(deleted(&site, "/faults/disk-Node_02").await.0, 404);
        assert_eq!(added(&site, told["what"].clone()).await.1["faults"][0]["what"], told["what"]);

        let (status, healed) = deleted(&site, "/faults?node=Node_01").await;
        assert_eq!((status, healed["count"].as_u64(), &healed["not_running"]), (200, Some(2), &json!([])), "{healed}");
        let (status, healed) = deleted(&site, "/faults").await;
        assert_eq!((status, healed["count"].as_u64()), (200, Some(5)), "{healed}");
        assert_eq!(site.get("/faults").await.1["count"], 0);
        // A restart leaves no fault.
        assert_eq!(added(&site, json!({ "kind": "restart", "node": "Node_05" })).await.0, 200);
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn profiles_are_applied_and_cleared() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let (status, profiles) = site.get("/faults/profiles").await;
        assert!(status == 200 && profiles["profiles"].as_array().unwrap().len() >= 5, "{profiles}");
        let apply = site.request(Method::POST, "/faults/profiles/slow-wan").json(&json!({ "node": "Node_01" }));
        let (status, on) = read(apply.send().await.unwrap()).await;
        assert!(status == 201 && on["faults"][0]["profile"] == "slow-wan", "{on}");
        assert_eq!(on["faults"].as_array().unwrap().len() as u64, on["count"].as_u64().unwrap());
        let (status, healed) = deleted(&site, "/faults?profile=slow-wan").await;
        assert_eq!((status, &healed["count"]), (200, &on["count"]), "{healed}");
        assert_eq!(read(site.request(Method::POST, "/faults/profiles/none").send().await.unwrap()).await.0, 404);
        assert_eq!(deleted(&site, "/faults?profile=none").await.0, 400);
        assert!(site.served.stop().code == Some(0));
    });
}

/// Users list faults, and neither put them on nor learn by whom they are.
#[test]
fn faults_are_for_admins() {
    on_a_runtime(async {
        let site = Site::start(
            "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[accounts]\nremote_registration = 'open'\n",
        )
        .await;
        let bob = site.registered("bob", None).await;
        let ask = |method: Method, path: &str| site.client.request(method, site.url(&format!("/api/v1{path}"))).bearer_auth(&bob);
        assert_eq!(added(&site, json!({ "kind": "kill", "node": "Node_01" })).await.0, 201);
        let (status, seen) = read(ask(Method::GET, "/faults").send().await.unwrap()).await;
        assert_eq!((status, &seen["faults"][0]["by"], &seen["faults"][0]["kind"]), (200, &Value::Null, &json!("killed")));
        let kill = json!({ "kind": "kill", "node": "Node_02" });
        for (method, path) in [
            (Method::POST, "/faults"),
            (Method::DELETE, "/faults"),
            (Method::DELETE, "/faults/process-Node_01"),
            (Method::DELETE, "/faults/process-Node_02"),
            (Method::POST, "/faults/profiles/slow-wan"),
            (Method::POST, "/nodes/Node_02/kill"),
            (Method::POST, "/nodes/Node_01/start"),
            (Method::POST, "/time/step"),
        ] {
            let asked = ask(method.clone(), path);
            let asked = if path == "/faults" && method == Method::POST { asked.json(&kill) } else { asked };
            let (status, refused) = read(asked.send().await.unwrap()).await;
            assert_eq!((status, refused["reason"].as_str()), (403, Some("ADMIN_ONLY")), "{method} {path}: {refused}");
        }
        let (_, node) = read(ask(Method::GET, "/nodes/Node_01").send().await.unwrap()).await;
        assert!(node["used_bytes"].is_null() && node["cause"] == "Node_01 is killed", "{node}");
        let (_, storage) = read(ask(Method::GET, "/storage/status").send().await.unwrap()).await;
        assert!(storage["files"] == 0 && storage["used_bytes"].is_null(), "{storage}");
        for path in ["/faults", "/nodes", "/dashboard", "/network/topology", "/time", "/transfers", "/storage/status"] {
            let answer = site.client.get(site.url(&format!("/api/v1{path}"))).send().await.unwrap();
            assert_eq!(read(answer).await.0, 401, "{path}");
        }
        assert!(site.served.stop().code == Some(0));
    });
}
